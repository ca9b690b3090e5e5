import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { RigError } from "./errors.ts";
import { runCommand } from "./run-command.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof RigError && error.code === code;

test("bytes that go in come out, and the exit code is told", async () => {
  const bytes = randomBytes(300_000);
  const echoed = await runCommand("cat", [], { input: bytes });
  assert.equal(echoed.code, 0);
  assert.deepEqual(echoed.stdout, bytes);
  const failed = await runCommand("sh", ["-c", "echo sorry >&2; exit 7"]);
  assert.deepEqual([failed.code, failed.stderr], [7, "sorry\n"]);
});

test("a command that does not read its input is no error", async () => {
  assert.equal((await runCommand("true", [], { input: randomBytes(1_000_000) })).code, 0);
});

test("a command that a signal ends has the code that shells give it", async () => {
  assert.equal((await runCommand("sh", ["-c", "kill -9 $$"])).code, 137);
});

test("a command that takes too long is killed and what it said is told", async () => {
  await assert.rejects(
    runCommand("sh", ["-c", "echo so far; sleep 60"], { timeoutMs: 300 }),
    (error) => hasCode("COMMAND_TIMEOUT")(error) && /so far/.test((error as Error).message),
  );
});

test("output as long as the limit is returned, one byte more ends the command", async () => {
  const print = (bytes: number) =>
    runCommand("head", ["-c", String(bytes), "/dev/zero"], { maxOutputBytes: 1000 });
  assert.equal((await print(1000)).stdout.length, 1000);
  await assert.rejects(print(1001), hasCode("OUTPUT_TOO_LONG"));
});

test("a signal ends the command with its reason", async () => {
  const stop = new AbortController();
  const running = runCommand("sleep", ["60"], { signal: stop.signal });
  stop.abort(new RigError("ENOUGH", "enough"));
  await assert.rejects(running, hasCode("ENOUGH"));
  await assert.rejects(runCommand("true", [], { signal: stop.signal }), hasCode("ENOUGH"));
});
