import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { extract, type Header } from "tar-stream";
import { encodeTarHeader, type TarMember, tarEnd, tarPadding } from "./tar-header.ts";

const base: TarMember = { name: "a.txt", type: "file", size: 3, mode: 0o640, modifiedMs: 1_795_000_000_900 };

function archiveOf(member: TarMember, content = "abc"): Buffer {
  return Buffer.concat([
    encodeTarHeader(member),
    Buffer.from(member.type === "file" ? content : ""),
    tarPadding(member.type === "file" ? content.length : 0),
    tarEnd,
  ]);
}

async function readBack(archive: Buffer): Promise<Header> {
  const reader = extract();
  reader.end(archive);
  for await (const member of reader) {
    const { header } = member as unknown as { header: Header };
    member.destroy();
    return header;
  }
  throw assert.fail("no member");
}

for (const [what, member, expected] of [
  ["a file", base, { name: "a.txt", type: "file", size: 3, mode: 0o640, mtime: new Date(1_795_000_000_000) }],
  ["a mode of 0", { ...base, mode: 0 }, { mode: 0 }],
  ["a time after 2038", { ...base, modifiedMs: 4_294_967_295_000 }, { mtime: new Date(4_294_967_295_000) }],
  ["no time", { name: "a", type: "file", size: 0, mode: 0o644 }, { mtime: new Date(0) }],
  ["the largest size of a device", { ...base, size: 0xffff_ffff }, { size: 0xffff_ffff }],
  ["a name of 100 bytes", { ...base, name: "n".repeat(100) }, { name: "n".repeat(100) }],
  ["a name of 101 bytes", { ...base, name: "n".repeat(101) }, { name: "n".repeat(101) }],
  [
    "a name of 255 bytes",
    { ...base, name: `${"d/".repeat(100)}${"n".repeat(55)}` },
    { name: `${"d/".repeat(100)}${"n".repeat(55)}` },
  ],
  ["a name that is not ASCII", { ...base, name: "größe/日本" }, { name: "größe/日本" }],
] as const) {
  test(`${what} is read back`, async () => {
    const header = await readBack(archiveOf(member));
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(header[key as keyof Header], value, key);
  });
}

test("a directory has a slash at its end and no content", async () => {
  const header = await readBack(archiveOf({ name: "logs", type: "directory", size: 9, mode: 0o755 }));
  assert.deepEqual([header.name, header.type, header.size], ["logs/", "directory", 0]);
});

test("a real tar lists what is written here", () => {
  const long = `${"deep/".repeat(30)}leaf`;
  for (const name of ["a.txt", long, "ö"]) {
    const listing = execFileSync("tar", ["tvf", "-", "--numeric-owner", "--utc", "--quoting-style=literal"], {
      input: archiveOf({ ...base, name }),
      encoding: "utf8",
    });
    assert.equal(listing.trim().replaceAll(/ +/g, " "), `-rw-r----- 0/0 3 2026-11-18 11:06 ${name}`);
  }
});

test("padding fills the last block and no more", () => {
  assert.deepEqual(
    [0, 1, 511, 512, 513].map((size) => tarPadding(size).length),
    [0, 511, 1, 0, 511],
  );
});
