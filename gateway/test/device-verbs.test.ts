import assert from "node:assert/strict";
import { test } from "node:test";
import { echoPort, switchPeripheral } from "@motelet/reference";
import { until } from "@motelet/testing";
import type { Fate } from "./fakes/in-process-link.ts";
import { collect, key, pattern, startLamp, weather } from "./fakes/lamp-bed.ts";
import { LoopTime } from "./fakes/loop-time.ts";

/*
 * The verbs against the reference device's own session, files and services, over lines that lose and repeat. What a verb
 * makes of single messages is in device-files.test.ts and device-streams.test.ts.
 */

const rounds = process.env.MOTELET_SOAK ? 100 : 2;
const soon = () => ({ signal: AbortSignal.timeout(60_000) });

async function* source(bytes: Uint8Array, pieceBytes = 4_096): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

test("a file goes there and back unchanged where a seventh of the messages is lost and some come twice", async (t) => {
  await using lamp = await startLamp({ fate: weather(0.15) });
  const { files } = lamp.plane.verbs;
  const startedMs = performance.now();
  const file = { size: 20_000, mode: 0o640, bytes: source(pattern(20_000)) };
  await files.write(key, "/data/log.bin", file, soon());
  const back = await collect(await files.read(key, "/data/log.bin", soon()));
  t.diagnostic(`20 kB there and back in ${Math.round(performance.now() - startedMs)} ms`);
  assert.ok(back.equals(pattern(20_000)));
  const tail = await collect(await files.read(key, "/data/log.bin", { ...soon(), offset: 19_990 }));
  assert.ok(tail.equals(pattern(20_000).subarray(19_990)));
  const { modifiedMs, ...stat } = await files.stat(key, "/data/log.bin", soon());
  assert.deepEqual(stat, { type: "file", size: 20_000, mode: 0o640 });
  assert.ok(Math.abs((modifiedMs ?? 0) - Date.now()) < 60_000);
});

test("removals and renames happen once where messages come twice, and a directory of many pages is listed whole", async () => {
  await using lamp = await startLamp({ fate: weather(0.2), maxMessageBytes: 128 });
  const { files } = lamp.plane.verbs;
  const put = (path: string, text: string) =>
    files.write(key, path, { size: text.length, mode: 0o644, bytes: source(Buffer.from(text)) }, soon());
  for (let index = 0; index < 12; index++) await put(`/d/${String(index).padStart(2, "0")}`, `${index}`);
  const names = (await files.list(key, "/d", soon())).map(({ name }) => name);
  assert.deepEqual(
    names,
    Array.from({ length: 12 }, (_, index) => String(index).padStart(2, "0")),
  );
  for (let round = 0; round < 4; round++) {
    await put("/a", "old");
    await put("/b", "new");
    await files.rename(key, "/b", "/a", soon());
    assert.equal(String(await collect(await files.read(key, "/a", soon()))), "new");
    await files.remove(key, "/a", soon());
    await put("/a", "again");
    await assert.rejects(files.stat(key, "/b", soon()), { code: "FILE_NOT_FOUND" });
    assert.equal((await files.stat(key, "/a", soon())).size, 5);
  }
});

test("a full device says so, at once where the size is known, later where it is not, and keeps what it had", async () => {
  await using lamp = await startLamp({ files: { totalBytes: 10_000 } });
  const { files } = lamp.plane.verbs;
  const small = { size: 5, mode: 0o644, bytes: source(Buffer.from("small")) };
  await files.write(key, "/a", small, soon());
  for (const size of [20_000, undefined]) {
    const large = { size, mode: 0o644, bytes: source(pattern(20_000)) };
    await assert.rejects(files.write(key, "/a", large, soon()), { code: "FILE_NO_ROOM" });
  }
  assert.equal(String(await collect(await files.read(key, "/a", soon()))), "small");
  assert.equal((await lamp.plane.verbs.stats.stats(key, soon())).filesFreeBytes, 9_995);
});

test("a conversation with the echo service brings 60 kB back unchanged over a lossy line", async (t) => {
  await using lamp = await startLamp({ fate: weather(0.1) });
  await using conversation = await lamp.plane.verbs.dial.dial(key, echoPort, soon());
  const startedMs = performance.now();
  const output = collect(conversation.output);
  for await (const piece of source(pattern(60_000), 32_768)) await conversation.write(piece);
  await conversation.endInput();
  assert.ok((await output).equals(pattern(60_000)));
  t.diagnostic(`60 kB there and back in ${Math.round(performance.now() - startedMs)} ms`);
  assert.equal((await conversation.ended).status, 0);
  await assert.rejects(lamp.plane.verbs.dial.dial(key, 9, soon()), { code: "DIAL_NOT_FOUND" });
});

test("the console over a stream takes a command and gives its output and log lines in between", async () => {
  await using lamp = await startLamp();
  const request = { stdin: true, stdout: true, tty: false };
  await using console = await lamp.plane.verbs.attach.attach(key, request, soon());
  let text = "";
  const reading = (async () => {
    for await (const bytes of console.stdout) text += Buffer.from(bytes).toString();
  })();
  await console.write(Buffer.from("echo over the stream\n"));
  await until("the command's output", () => text.includes("over the stream"));
  lamp.device.print("a line of the log\n");
  await until("the log line", () => text.includes("a line of the log"));
  await console.endInput();
  assert.equal((await console.exit).status, 0);
  await reading;
});

test("a peripheral takes its command, and an unknown one is told apart from a command that fails", async () => {
  await using lamp = await startLamp({ peripherals: () => [switchPeripheral("relay0", "relay")] });
  const run = async (peripheral: string, ...argv: string[]) => {
    const request = { argv, tty: false, stdin: false, stdout: true, stderr: true };
    await using running = await lamp.plane.verbs.invoke.start(key, peripheral, request, soon());
    const output = await collect(running.stdout);
    return { output: String(output), ...(await running.exit) };
  };
  assert.equal((await run("relay0", "set", "on")).exitCode, 0);
  assert.equal((await run("relay0", "get")).output, "on\n");
  assert.notEqual((await run("relay0", "explode")).exitCode, 0);
  await assert.rejects(run("relay9", "get"), { code: "INVOKE_NOT_FOUND" });
});

test("stats come with tasks and what files take", async () => {
  await using lamp = await startLamp({ files: { totalBytes: 1_048_576 } });
  const stats = await lamp.plane.verbs.stats.stats(key, soon());
  assert.equal(stats.filesTotalBytes, 1_048_576);
  assert.ok((stats.cpuMs ?? -1) >= 0);
  assert.ok(stats.tasks.length > 0);
});

test("everything that runs on a device that is lost ends within 3 s and says why, time after time, and leaves no stream", async (t) => {
  let lost = false;
  const fate: Fate = () => (lost ? "lose" : "pass");
  await using lamp = await startLamp({ heartbeatS: 1, fate });
  const { files, dial, attach } = lamp.plane.verbs;
  const file = { size: 200_000, mode: 0o644, bytes: source(pattern(200_000)) };
  await files.write(key, "/large", file, soon());
  let slowestMs = 0;
  for (let round = 0; round < rounds; round++) {
    await lamp.online();
    async function* endless() {
      for (;;) {
        yield pattern(4_096);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    const writing = files.write(key, "/new", { size: undefined, mode: 0o644, bytes: endless() }, soon());
    const ends: Promise<unknown>[] = [assert.rejects(writing, { name: "UnavailableError" })];
    const reader = (await files.read(key, "/large", soon()))[Symbol.asyncIterator]();
    await reader.next();
    const conversation = await dial.dial(key, echoPort, soon());
    const console = await attach.attach(key, { stdin: true, stdout: true, tty: false }, soon());
    using time = new LoopTime();
    lost = true;
    const readAll = async () => {
      while (!(await reader.next()).done);
    };
    ends.push(assert.rejects(readAll(), { name: "UnavailableError" }));
    ends.push(conversation.ended.then(({ status }) => assert.equal(status, 14)));
    ends.push(collect(conversation.output), collect(console.stdout));
    ends.push(console.exit.then(({ status }) => assert.equal(status, 14)));
    await Promise.all(ends);
    slowestMs = Math.max(slowestMs, time.ms);
    lost = false;
  }
  t.diagnostic(`${rounds} losses, the slowest noticed after ${Math.round(slowestMs)} ms`);
  assert.ok(slowestMs < 3_000, `${slowestMs} ms`);
  await lamp.online();
  // All 23 streams can be had again.
  const conversations = [];
  for (let count = 0; count < 23; count++) conversations.push(await dial.dial(key, echoPort, soon()));
  await assert.rejects(dial.dial(key, echoPort, soon()), { code: "STREAMS_EXHAUSTED" });
  for (const conversation of conversations) await conversation[Symbol.asyncDispose]();
  await assert.rejects(files.stat(key, "/new", soon()), { code: "FILE_NOT_FOUND" });
});
