import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { Status } from "@motelet/profiles";
import { FileFolder, FileStore, UnavailableError } from "../src/index.ts";

const storeLimits = { totalBytes: 1_000, files: 10 };

function folderFor(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "motelet-files-"));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, "lamp");
}

function put(store: FileStore, path: string, text: string, mode = 0o644, modifiedMs?: number): number {
  const write = store.write(path, text.length, mode);
  if (typeof write === "number") return write;
  const status = write.take(Buffer.from(text));
  return status === Status.OK ? write.commit(modifiedMs) : status;
}

suite("files in a folder", () => {
  test("are there again after a restart, with modes and times", (t) => {
    const folder = folderFor(t);
    const store = new FileStore(storeLimits, new FileFolder(folder));
    assert.equal(put(store, "/etc/motd", "hello", 0o640, 1_700_000_000_123), Status.OK);
    assert.equal(put(store, "/unreadable", "secret", 0), Status.OK);
    const again = new FileStore(storeLimits, new FileFolder(folder));
    const { bytes, mode, modifiedMs } = again.file("/etc/motd") ?? assert.fail();
    assert.deepEqual([Buffer.from(bytes).toString(), mode, modifiedMs], ["hello", 0o640, 1_700_000_000_123]);
    assert.deepEqual(again.stat("/unreadable"), { type: "file", size: 6, mode: 0, modifiedMs: undefined });
    assert.equal(statSync(join(folder, "unreadable")).mode & 0o777, 0);
    assert.deepEqual([again.count, again.usedBytes], [2, 11]);
  });

  test("are removed and renamed with the directories that they leave empty", (t) => {
    const folder = folderFor(t);
    const store = new FileStore(storeLimits, new FileFolder(folder));
    put(store, "/a/b/c", "x");
    put(store, "/a/d", "y");
    assert.equal(store.rename("/a/b/c", "/e/f"), Status.OK);
    assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ["a", "a/d", "e", "e/f"]);
    assert.equal(store.remove("/a/d"), Status.OK);
    assert.deepEqual(readdirSync(folder), ["e"]);
    // What is empty now may become a file.
    assert.equal(put(store, "/a", "z"), Status.OK);
  });

  test("what a killed process had half written is gone, and never was one of the files", (t) => {
    const folder = folderFor(t);
    new FileFolder(folder);
    writeFileSync(join(folder, "..", ".new-lamp"), "half");
    const store = new FileStore(storeLimits, new FileFolder(folder));
    assert.equal(store.count, 0);
    assert.equal(existsSync(join(folder, "..", ".new-lamp")), false);
  });

  test("links are left alone", (t) => {
    const folder = folderFor(t);
    new FileFolder(folder);
    symlinkSync("/etc/passwd", join(folder, "link"));
    assert.equal(new FileStore(storeLimits, new FileFolder(folder)).count, 0);
  });

  test("a disk that fails is INTERNAL and leaves the files as they were", (t) => {
    const folder = folderFor(t);
    const store = new FileStore(storeLimits, new FileFolder(folder));
    put(store, "/a", "old");
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    assert.equal(put(store, "/a", "new"), Status.INTERNAL);
    assert.equal(store.remove("/a"), Status.INTERNAL);
    assert.equal(Buffer.from(store.file("/a")?.bytes ?? []).toString(), "old");
    assert.throws(() => new FileFolder(join(folder, "x")), UnavailableError);
  });
});
