import { commands, isPath, limits, Status, statusName } from "@motelet/profiles";
import { type MoteletError, RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { ExchangeOutcome } from "../../session/exchange-table.ts";
import { type Refuse, refusal, type VerbWords } from "./device-calls.ts";

export const fileWords: VerbWords = {
  name: "files",
  code: "FILE",
  unsupported: "FILES_UNSUPPORTED",
  can: "keep files",
  did: "carry out the file command",
};

type FileRow = { readonly op: number; readonly name: string };

/** @throws RequestError FILE_PATH_INVALID */
export function expectPath(path: string): void {
  if (isPath(path)) return;
  throw new RequestError(
    "FILE_PATH_INVALID",
    `path ${JSON.stringify(path)}: expected an absolute path of at most ${limits.pathBytes} bytes without empty, . or .. segments`,
  );
}

/** The errors for the statuses of file commands (SPEC §6.11–§6.14), with the subject in the sentence. */
export function fileRefusal(row: FileRow, subject: string): Refuse {
  return (key, words, outcome) => {
    const [code, sentence] = meaning(row.op, outcome) ?? [];
    if (code === undefined) return unknownEffect(row, subject, key, outcome) ?? refusal(key, words, outcome);
    return new RequestError(code, `${row.name} ${subject} on device ${key}: ${sentence}`);
  };
}

function meaning(op: number, { status, message }: ExchangeOutcome): readonly [string, string] | undefined {
  // What the gateway itself refuses has its own sentence, and is no word of the device.
  const own = message !== undefined;
  switch (status) {
    case Status.NOT_FOUND:
      return ["FILE_NOT_FOUND", "no such file or directory"];
    case Status.FAILED_PRECONDITION:
      if (op === commands.fileList.op) return ["FILE_NOT_DIRECTORY", "not a directory"];
      return op === commands.fileRead.op || op === commands.fileRemove.op
        ? ["FILE_IS_DIRECTORY", "is a directory"]
        : ["FILE_IS_DIRECTORY", "a directory is in its place, or a file in the place of its directory"];
    case Status.OUT_OF_RANGE:
      if (own) return ["FILE_PATH_TOO_LONG", message];
      return op === commands.fileRead.op
        ? ["FILE_OUT_OF_RANGE", "the offset is past its end, or its path too long for the device"]
        : ["FILE_PATH_TOO_LONG", "the path, or what the answer would say, is too long for the device"];
    case Status.RESOURCE_EXHAUSTED:
      return op === commands.fileWrite.op && !own ? ["FILE_NO_ROOM", "no space left on device"] : undefined;
    default:
      return undefined;
  }
}

/** A command that changes files and got no answer may have been carried out. */
function unknownEffect(
  row: FileRow,
  subject: string,
  key: string,
  { status, message, effectUnknown }: ExchangeOutcome,
): MoteletError | undefined {
  const changes: readonly number[] = [commands.fileRemove.op, commands.fileRename.op];
  if (!effectUnknown || !changes.includes(row.op)) return undefined;
  return new UnavailableError(
    `FILE_${statusName(status)}`,
    `${row.name} ${subject} on device ${key}: ${message}; it is not known whether it was done`,
  );
}
