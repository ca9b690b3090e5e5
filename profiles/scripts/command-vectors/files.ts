import type { CborValue, CommandName } from "../../src/index.ts";
import { type Row, text, u16, u32 } from "./row.ts";

const longestPath = `/${text(254)}`;
/** Why a text is no path (SPEC §6.11). */
const badPaths: readonly (readonly [string, string])[] = [
  ["an empty path", ""],
  ["a relative path", "a/b"],
  ["a path that ends in a slash", "/a/"],
  ["a path with an empty segment", "/a//b"],
  ["two slashes", "//"],
  ["a path with .", "/a/./b"],
  ["a path with ..", "/a/../b"],
  ["a path that ends in ..", "/.."],
  ["a path with NUL", "/a\0b"],
  ["a path of 256 bytes", `/${text(255)}`],
  ["a path of 130 characters and 256 bytes", `/a${"é".repeat(127)}`],
];

/** What is wrong with a path is wrong in each command: all of it in one, the first and a number in the others. */
const badPathRows = (
  command: CommandName,
  name: string,
  around: (path: CborValue) => CborValue[],
): readonly Row[] => [
  ...(command === "fileStat" ? badPaths : badPaths.slice(0, 2)).map(
    ([what, path]): Row => [`${name}: ${what}`, command, "invalid", around(path), "MESSAGE_FIELD"],
  ),
  [`${name}: a number for a path`, command, "invalid", around(7), "MESSAGE_FIELD"],
];

export const fileArguments: readonly Row[] = [
  ["file-stat", "fileStat", "valid", ["/a/b.txt"], { path: "/a/b.txt" }],
  ["file-stat of a hidden file", "fileStat", "valid", ["/..a/.b/..."], { path: "/..a/.b/..." }],
  ["file-stat of the root", "fileStat", "minimum", ["/"], { path: "/" }],
  ["file-stat of the longest path", "fileStat", "maximum", [longestPath], { path: longestPath }],
  ["file-stat with an argument more", "fileStat", "skipping", ["/a", 1], { path: "/a" }],
  ["file-stat without a path", "fileStat", "invalid", [], "MESSAGE_MISSING"],
  ...badPathRows("fileStat", "file-stat", (path) => [path]),

  ["file-list", "fileList", "valid", ["/etc", 12], { path: "/etc", from: 12 }],
  ["file-list of the root", "fileList", "minimum", ["/", 0], { path: "/", from: 0 }],
  ["file-list at its longest", "fileList", "maximum", [longestPath, u16], { path: longestPath, from: u16 }],
  ["file-list with an argument more", "fileList", "skipping", ["/", 0, true], { path: "/", from: 0 }],
  ["file-list from nowhere", "fileList", "invalid", ["/"], "MESSAGE_MISSING"],
  ["file-list from 65,536", "fileList", "invalid", ["/", u16 + 1], "MESSAGE_FIELD"],
  ...badPathRows("fileList", "file-list", (path) => [path, 0]),

  ["file-read", "fileRead", "valid", [4, 100, "/log"], { stream: 4, offset: 100, path: "/log" }],
  ["file-read from the start", "fileRead", "minimum", [1, 0, "/a"], { stream: 1, offset: 0, path: "/a" }],
  [
    "file-read at its longest",
    "fileRead",
    "maximum",
    [23, u32, longestPath],
    { stream: 23, offset: u32, path: longestPath },
  ],
  [
    "file-read with an argument more",
    "fileRead",
    "skipping",
    [1, 0, "/a", 10],
    { stream: 1, offset: 0, path: "/a" },
  ],
  ["file-read without a path", "fileRead", "invalid", [1, 0], "MESSAGE_MISSING"],
  ["file-read on stream 0", "fileRead", "invalid", [0, 0, "/a"], "MESSAGE_FIELD"],
  ["file-read on stream 24", "fileRead", "invalid", [24, 0, "/a"], "MESSAGE_FIELD"],
  ["file-read from 2^32", "fileRead", "invalid", [1, u32 + 1, "/a"], "MESSAGE_FIELD"],
  ["file-read from -1", "fileRead", "invalid", [1, -1, "/a"], "MESSAGE_FIELD"],
  ...badPathRows("fileRead", "file-read", (path) => [1, 0, path]),

  [
    "file-write",
    "fileWrite",
    "valid",
    [2, 4096, 0o644, "/www/index.html"],
    { stream: 2, size: 4096, mode: 0o644, path: "/www/index.html" },
  ],
  [
    "file-write of a size that is not known",
    "fileWrite",
    "valid",
    [2, null, 0o600, "/a"],
    { stream: 2, size: null, mode: 0o600, path: "/a" },
  ],
  [
    "file-write of an empty file that nobody may read",
    "fileWrite",
    "minimum",
    [1, 0, 0, "/a"],
    { stream: 1, size: 0, mode: 0, path: "/a" },
  ],
  [
    "file-write at its longest",
    "fileWrite",
    "maximum",
    [23, u32, 0o777, longestPath],
    { stream: 23, size: u32, mode: 0o777, path: longestPath },
  ],
  [
    "file-write with an argument more",
    "fileWrite",
    "skipping",
    [1, 1, 0o644, "/a", [5, 0]],
    { stream: 1, size: 1, mode: 0o644, path: "/a" },
  ],
  ["file-write without a path", "fileWrite", "invalid", [1, 0, 0o644], "MESSAGE_MISSING"],
  ["file-write on stream 0", "fileWrite", "invalid", [0, 0, 0o644, "/a"], "MESSAGE_FIELD"],
  ["file-write on stream 24", "fileWrite", "invalid", [24, 0, 0o644, "/a"], "MESSAGE_FIELD"],
  ["file-write of 2^32 bytes", "fileWrite", "invalid", [1, u32 + 1, 0o644, "/a"], "MESSAGE_FIELD"],
  ["file-write with mode 01000", "fileWrite", "invalid", [1, 0, 0o1000, "/a"], "MESSAGE_FIELD"],
  ["file-write with null for a mode", "fileWrite", "invalid", [1, 0, null, "/a"], "MESSAGE_FIELD"],
  ...badPathRows("fileWrite", "file-write", (path) => [1, 0, 0o644, path]),

  ["file-remove", "fileRemove", "valid", ["/tmp/x"], { path: "/tmp/x" }],
  ["file-remove of the root", "fileRemove", "minimum", ["/"], { path: "/" }],
  ["file-remove of the longest path", "fileRemove", "maximum", [longestPath], { path: longestPath }],
  ["file-remove with an argument more", "fileRemove", "skipping", ["/a", "-r"], { path: "/a" }],
  ["file-remove without a path", "fileRemove", "invalid", [], "MESSAGE_MISSING"],
  ...badPathRows("fileRemove", "file-remove", (path) => [path]),

  ["file-rename", "fileRename", "valid", ["/a.new", "/a"], { from: "/a.new", to: "/a" }],
  ["file-rename of the root to itself", "fileRename", "minimum", ["/", "/"], { from: "/", to: "/" }],
  [
    "file-rename between the longest paths",
    "fileRename",
    "maximum",
    [longestPath, longestPath],
    { from: longestPath, to: longestPath },
  ],
  ["file-rename with an argument more", "fileRename", "skipping", ["/a", "/b", 1], { from: "/a", to: "/b" }],
  ["file-rename to nowhere", "fileRename", "invalid", ["/a"], "MESSAGE_MISSING"],
  ...badPathRows("fileRename", "file-rename from", (path) => [path, "/b"]),
  ...badPathRows("fileRename", "file-rename to", (path) => ["/a", path]),
];

const page = (...entries: CborValue[]) => [entries.length, entries];
const worstEntry = [text(254), 1, u32, 0o777] as const;
const worstMeaning = { name: text(254), type: 1, size: u32, mode: 0o777 };

export const fileResults: readonly Row[] = [
  [
    "file-stat of a file",
    "fileStat",
    "valid",
    [0, 1234, 0o644, [1_700_000_000, 250]],
    { type: 0, size: 1234, mode: 0o644, modified: { s: 1_700_000_000, ms: 250 } },
  ],
  [
    "file-stat of a directory without a time",
    "fileStat",
    "valid",
    [1, 0, 0o755, null],
    { type: 1, size: 0, mode: 0o755, modified: null },
  ],
  [
    "file-stat of an empty file",
    "fileStat",
    "minimum",
    [0, 0, 0, [0, 0]],
    { type: 0, size: 0, mode: 0, modified: { s: 0, ms: 0 } },
  ],
  [
    "the largest file-stat",
    "fileStat",
    "maximum",
    [1, u32, 0o777, [u32, 999]],
    { type: 1, size: u32, mode: 0o777, modified: { s: u32, ms: 999 } },
  ],
  [
    "file-stat with an element more",
    "fileStat",
    "skipping",
    [0, 1, 0o644, null, "text/plain"],
    { type: 0, size: 1, mode: 0o644, modified: null },
  ],
  ["file-stat without a time", "fileStat", "invalid", [0, 1, 0o644], "MESSAGE_MISSING"],
  ["file-stat of type 2", "fileStat", "invalid", [2, 1, 0o644, null], "MESSAGE_FIELD"],
  ["file-stat of 2^32 bytes", "fileStat", "invalid", [0, u32 + 1, 0o644, null], "MESSAGE_FIELD"],
  ["file-stat with mode 01000", "fileStat", "invalid", [0, 1, 0o1000, null], "MESSAGE_FIELD"],
  ["file-stat at a time of 1,000 ms", "fileStat", "invalid", [0, 1, 0o644, [1, 1000]], "MESSAGE_FIELD"],

  [
    "file-list of two",
    "fileList",
    "valid",
    page(["a.txt", 0, 5, 0o644], ["www", 1, 0, 0o755]),
    {
      total: 2,
      entries: [
        { name: "a.txt", type: 0, size: 5, mode: 0o644 },
        { name: "www", type: 1, size: 0, mode: 0o755 },
      ],
    },
  ],
  ["file-list past the last of seven", "fileList", "valid", [7, []], { total: 7, entries: [] }],
  ["file-list of none", "fileList", "minimum", [0, []], { total: 0, entries: [] }],
  [
    "file-list with as many of the longest names as fit M = 1,024",
    "fileList",
    "maximum",
    [u16, [worstEntry, worstEntry, worstEntry]],
    { total: u16, entries: [worstMeaning, worstMeaning, worstMeaning] },
  ],
  [
    "file-list with an element more in an entry",
    "fileList",
    "skipping",
    page(["a", 0, 1, 0o644, null]),
    { total: 1, entries: [{ name: "a", type: 0, size: 1, mode: 0o644 }] },
  ],
  ["file-list without entries", "fileList", "invalid", [1], "MESSAGE_MISSING"],
  ["file-list of 65,536", "fileList", "invalid", [u16 + 1, []], "MESSAGE_FIELD"],
  ["an entry without a mode", "fileList", "invalid", page(["a", 0, 1]), "MESSAGE_MISSING"],
  ["an entry with a name of 255 bytes", "fileList", "invalid", page([text(255), 0, 1, 0]), "MESSAGE_FIELD"],
  ["an entry of type 2", "fileList", "invalid", page(["a", 2, 1, 0]), "MESSAGE_FIELD"],
];
