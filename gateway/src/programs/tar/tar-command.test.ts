import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCopyCommand } from "./tar-command.ts";

const create = (name: string, directory = "/") => ({
  kind: "create",
  members: [{ directory, name }],
  verbose: false,
});
const extract = { kind: "extract", directory: "/", verbose: false, keepModes: true };

for (const [line, expected] of [
  [["tar", "cf", "-", "/a/b.txt"], create("/a/b.txt")],
  [["tar", "-cf", "-", "--", "-x"], create("-x")],
  [["tar", "cf", "-", "-C", "/data", "logs"], create("logs", "/data")],
  [["tar", "-c", "logs"], create("logs")],
  [["tar", "xmf", "-", "-C", "/data"], { ...extract, directory: "/data" }],
  [["tar", "-xmf", "-"], extract],
  [["tar", "-xmf-"], extract],
  [["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"], { ...extract, keepModes: false }],
  [
    ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", "."],
    { ...extract, keepModes: false, directory: "//." },
  ],
  [["tar", "xf", "-", "--directory=/data"], { ...extract, directory: "/data" }],
  [["tar", "xCf", "/data", "-"], { ...extract, directory: "/data" }],
  [["tar", "xvf", "-"], { ...extract, verbose: true }],
  [["sh", "-c", "tar cf - '/a b' | tail -c+1"], { ...create("/a b"), skipBytes: 0 }],
  [["sh", "-c", "tar cf - '/it'\\''s' | tail -c+513"], { ...create("/it's"), skipBytes: 512 }],
  [["sh", "-c", "tar cf - /a/b | tail -c+0"], { ...create("/a/b"), skipBytes: 0 }],
  [["test", "-d", "/a"], { kind: "test", flag: "d", path: "/a" }],
  [["test", "-f", ""], { kind: "test", flag: "f", path: "" }],
] as const) {
  test(`${line.join(" ")} is recognised`, () => {
    assert.deepEqual(parseCopyCommand(line), expected);
  });
}

for (const line of [
  [],
  ["echo", "tar"],
  ["sh"],
  ["sh", "-c", "tar cf - /a"],
  ["sh", "-c", "tar cf - /a; rm -r / | tail -c+1"],
  ["sh", "-c", "tar cf - $(x) | tail -c+1"],
  ["sh", "-c", "tar cf - 'a' 'b' | tail -c+1"],
  ["sh", "-c", "tar cf - 'a'b' | tail -c+1"],
  ["sh", "-c", "tar cf - a | tail -c+1", "more"],
  ["test", "-d"],
  ["test", "-z", "a"],
  ["test", "-d", "a", "b"],
]) {
  test(`${line.join(" ") || "nothing"} is the device's own`, () => {
    assert.equal(parseCopyCommand(line), undefined);
  });
}

for (const [line, reason] of [
  [["tar"], /one of 'c' and 'x'/],
  [["tar", "cf", "-"], /empty archive/],
  [["tar", "xf", "-", "a"], /members cannot be picked/],
  [["tar", "xf", "a.tar"], /standard input or output/],
  [["tar", "xf"], /requires an argument -- 'f'/],
  [["tar", "xf", "-", "-C"], /requires an argument -- 'C'/],
  [["tar", "xzf", "-"], /invalid option -- 'z'/],
  [["tar", "xPf", "-"], /invalid option -- 'P'/],
  [["tar", "--to-command=sh", "-xf", "-"], /unrecognized option '--to-command'/],
  [["tar", "cxf", "-", "a"], /one of/],
] as const) {
  test(`${line.join(" ")} is refused in words`, () => {
    const command = parseCopyCommand(line);
    assert.equal(command?.kind, "refused");
    assert.match(command.kind === "refused" ? command.reason : "", reason);
  });
}
