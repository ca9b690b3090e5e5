import { commands, FileType, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { secondsOf } from "../seconds.ts";

/** Describes the file or directory at a path (SPEC §6.11). */
export const fileStat = implement(commands.fileStat, ({ path }, { parts }) => {
  const found = parts.files?.stat(path);
  if (!found) return { status: Status.NOT_FOUND };
  const { type, size, mode, modifiedMs } = found;
  const modified = modifiedMs === undefined ? null : secondsOf(modifiedMs);
  return { result: { type: FileType[type], size, mode, modified } };
});
