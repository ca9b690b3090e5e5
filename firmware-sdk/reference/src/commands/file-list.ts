import { commands, FileType, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { encodedBytes, fitting, responseBytes } from "../fitting.ts";

/** The entries of a directory from an index on, as many as fit (SPEC §6.11). */
export const fileList = implement(commands.fileList, ({ path, from }, { parts, maxMessageBytes }) => {
  const listed = parts.files?.list(path);
  if (!listed) return { status: parts.files?.file(path) ? Status.FAILED_PRECONDITION : Status.NOT_FOUND };
  const total = listed.length;
  const empty = encodedBytes(commands.fileList.encodeResult({ total, entries: [] }));
  const rest = listed
    .slice(from)
    .map(({ name, type, size, mode }) => ({ name, type: FileType[type], size, mode }));
  const measure = (entry: (typeof rest)[number]) =>
    encodedBytes(commands.fileList.encodeResult({ total, entries: [entry] })) - empty;
  const entries = fitting(rest, measure, maxMessageBytes - responseBytes - empty);
  return entries ? { result: { total, entries } } : { status: Status.OUT_OF_RANGE };
});
