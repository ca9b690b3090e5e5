import { type Field, refuse, text } from "./fields.ts";
import { limits } from "./limits.ts";

/**
 * Whether a text is a valid path of a file or directory on a device (SPEC §6.11): absolute, at most 255 bytes, without
 * NUL, and no segment empty, `.` or `..`. `/` alone is the root.
 */
export function isPath(candidate: string): boolean {
  if (!candidate.startsWith("/") || candidate.includes("\0")) return false;
  if (new TextEncoder().encode(candidate).length > limits.pathBytes) return false;
  if (candidate === "/") return true;
  return candidate
    .slice(1)
    .split("/")
    .every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

const inner = text(limits.pathBytes);

function expectPath(value: string, where: string): string {
  if (!isPath(value)) throw refuse(where, "an absolute path without empty, . or .. segments", value);
  return value;
}

/** A path as a field of a command. */
export const path: Field<string> = {
  cddl: "path",
  maxBytes: inner.maxBytes,
  encode: (value, where) => inner.encode(expectPath(value, where), where),
  decode: (value, where, tally) => expectPath(inner.decode(value, where, tally), where),
};
