import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { ConfigError } from "./errors.ts";
import { WatchedFiles } from "./watched-files.ts";

test("files that change as those of a mounted Secret do are told once; unreadable ones are told, too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "motelet-watched-"));
  const mount = (name: string, text: string) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "a"), `${text} a`);
    writeFileSync(join(folder, name, "b"), `${text} b`);
    symlinkSync(name, join(folder, "new"));
    renameSync(join(folder, "new"), join(folder, "data"));
  };
  try {
    mount("1", "first");
    const clock = new ManualClock();
    const paths = { a: join(folder, "data", "a"), b: join(folder, "data", "b") };
    using files = new WatchedFiles({ paths, clock, intervalMs: 1_000 });
    assert.deepEqual(files.read(), { a: "first a", b: "first b" });
    const changes: unknown[] = [];
    const failures: Error[] = [];
    files.watch(
      (contents) => changes.push(contents),
      (error) => failures.push(error),
    );
    mount("2", "second");
    await clock.advanceUntil("the change", () => changes.length > 0);
    rmSync(join(folder, "2", "b"));
    await clock.advanceUntil("the failure", () => failures.length > 0);
    writeFileSync(join(folder, "2", "b"), "third b");
    await clock.advanceUntil("the next change", () => changes.length > 1);
    assert.deepEqual(changes, [
      { a: "second a", b: "second b" },
      { a: "second a", b: "third b" },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file that cannot be read at first is an error that names it", () => {
  const path = join(tmpdir(), "motelet-no-such-file");
  assert.throws(
    () => new WatchedFiles({ paths: { a: path }, clock: new ManualClock() }).read(),
    (error) => error instanceof ConfigError && error.message.includes(path),
  );
});
