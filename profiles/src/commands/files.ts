import { integer, list, nullable, text, tuple, u16, u32 } from "../fields.ts";
import { limits } from "../limits.ts";
import { path } from "../path.ts";
import { command, nothing, seconds, stream } from "./row.ts";

/** The kind of entry at a path (SPEC §6.11). */
export const FileType = { file: 0, directory: 1 } as const;

const type = integer(0, FileType.directory);
const mode = integer(0, limits.fileMode);

const fileStat = command({
  op: 13,
  name: "file-stat",
  summary: "what is behind a path",
  effect: "none",
  capability: "files",
  request: { path },
  response: { type, size: u32, mode, modified: nullable(seconds) },
});

const entry = tuple({ name: text(limits.pathBytes - 1), type, size: u32, mode });

const fileList = command({
  op: 14,
  name: "file-list",
  summary: "the entries of a directory from index `from`",
  effect: "none",
  capability: "files",
  request: { path, from: u16 },
  response: { total: u16, entries: list(entry) },
});

const fileRead = command({
  op: 15,
  name: "file-read",
  summary: "sends a file's bytes from `offset` on a stream",
  effect: "at-most-once",
  capability: "files",
  request: { stream, offset: u32, path },
  response: nothing,
});

const fileWrite = command({
  op: 16,
  name: "file-write",
  summary: "takes a file's bytes from a stream and puts it in place whole",
  effect: "at-most-once",
  capability: "files",
  request: { stream, size: nullable(u32), mode, path },
  response: nothing,
});

const fileRemove = command({
  op: 17,
  name: "file-remove",
  summary: "removes a file",
  effect: "at-most-once",
  capability: "files",
  request: { path },
  response: nothing,
});

const fileRename = command({
  op: 18,
  name: "file-rename",
  summary: "gives a file another path, replacing what is there",
  effect: "at-most-once",
  capability: "files",
  request: { from: path, to: path },
  response: nothing,
});

/** The rows about files. */
export const fileCommands = { fileStat, fileList, fileRead, fileWrite, fileRemove, fileRename } as const;
