import { messageOf, RequestError } from "../../foundation/errors.ts";

/** What tar and the C library call the device's refusals. */
const knownWords: Readonly<Record<string, string>> = {
  FILE_NOT_FOUND: "No such file or directory",
  FILE_IS_DIRECTORY: "Is a directory",
  FILE_NO_ROOM: "No space left on device",
};

/** Code of an error about one file; undefined if it is about the device or the gateway. */
export function fileErrorCode(error: unknown): string | undefined {
  return error instanceof RequestError ? error.code : undefined;
}

/** The error in the words of tar. */
export function fileErrorWords(error: unknown): string {
  return knownWords[fileErrorCode(error) ?? ""] ?? messageOf(error);
}
