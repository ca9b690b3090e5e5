import { commands, Status, TaskState } from "@motelet/profiles";
import { implement } from "../command.ts";
import { encodedBytes, fitting, responseBytes } from "../fitting.ts";
import { secondsOf } from "../seconds.ts";

/** What the list can count. */
const maxTasks = 255;

/** Use of processor, memory and files, and the tasks from an index on (SPEC §6.9). */
export const stats = implement(commands.stats, ({ from }, { parts, maxMessageBytes }) => {
  const figures = parts.stats?.();
  if (!figures) return { status: Status.UNIMPLEMENTED };
  const device = {
    cpu: secondsOf(figures.cpuMs),
    heapTotal: figures.heapTotalBytes,
    heapFree: figures.heapFreeBytes,
    heapLeast: figures.heapMinBytes,
    filesTotal: figures.filesTotalBytes,
    filesFree: figures.filesFreeBytes,
  };
  const all = figures.tasks.slice(0, maxTasks).map(({ name, state, cpuMs, stackFreeBytes }) => ({
    name,
    state: TaskState[state],
    cpu: secondsOf(cpuMs),
    stackFree: stackFreeBytes,
  }));
  const total = all.length;
  const empty = encodedBytes(commands.stats.encodeResult({ total, device, tasks: [] }));
  const measure = (task: (typeof all)[number]) =>
    encodedBytes(commands.stats.encodeResult({ total, device, tasks: [task] })) - empty;
  const tasks = fitting(all.slice(from), measure, maxMessageBytes - responseBytes - empty);
  return tasks ? { result: { total, device, tasks } } : { status: Status.OUT_OF_RANGE };
});
