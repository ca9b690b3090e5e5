import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { takeBuildLock } from "./build-lock.ts";

test("a second caller in the same process waits until the first is done", async () => {
  await using folder = makeTemporaryFolder("motelet-lock-");
  const lockPath = path.join(folder.path, "deep", "lock");
  const first = await takeBuildLock(lockPath);
  const order: string[] = [];
  const second = takeBuildLock(lockPath, { intervalMs: 5, onWait: () => order.push("waits") }).then(
    (lock) => {
      order.push("has it");
      return lock;
    },
  );
  const third = takeBuildLock(lockPath, { signal: AbortSignal.timeout(50), intervalMs: 5 });
  await assert.rejects(third, { name: "TimeoutError" });
  order.push("released");
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assert.deepEqual(order, ["waits", "released", "has it"]);
});

test("the lock of a process that was killed is free at once", async () => {
  await using folder = makeTemporaryFolder("motelet-lock-");
  const lockPath = path.join(folder.path, "lock");
  const script = `
    import { takeBuildLock } from ${JSON.stringify(path.join(import.meta.dirname, "build-lock.ts"))};
    globalThis.lock = await takeBuildLock(${JSON.stringify(lockPath)});
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  await once(holder.stdout, "data");
  let waited = false;
  const taken = takeBuildLock(lockPath, {
    intervalMs: 5,
    onWait: () => {
      waited = true;
      holder.kill("SIGKILL");
    },
    signal: AbortSignal.timeout(60_000),
  });
  (await taken)[Symbol.dispose]();
  assert.equal(waited, true);
});

test("a lock that cannot be made fails instead of waiting for ever", async () => {
  // A file is no folder.
  await assert.rejects(takeBuildLock(path.join(import.meta.filename, "lock")), { code: /ENOTDIR|EEXIST/ });
});
