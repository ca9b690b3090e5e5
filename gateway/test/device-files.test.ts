import assert from "node:assert/strict";
import { test } from "node:test";
import { Capability, type CborValue, commands, Status } from "@motelet/profiles";
import { maxEntries } from "../src/devices/verbs/files.ts";
import { key, settle, startPlaneBed } from "./fakes/plane-under-test.ts";
import { WireDevice } from "./fakes/wire-device.ts";

const never = () => ({ signal: new AbortController().signal });
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

async function start(hello: Parameters<WireDevice["hello"]>[0] = {}) {
  const bed = startPlaneBed();
  const device = new WireDevice().plug(bed.plane.acceptor);
  await bed.join(device, { caps: Capability.files, maxMessageBytes: 512, rxWindowBytes: 8, ...hello });
  const { files } = bed.plane.verbs;
  /** Answers the newest request; with a status other than OK what was asked fails by it. */
  const refused = async (asked: Promise<unknown>, status: number, error: object) => {
    const failing = assert.rejects(asked, error);
    await bed.answer(device, status);
    await failing;
  };
  return { ...bed, device, files, refused };
}

/** What a device got on its stream so far, in order; it takes everything at once. */
function take(device: WireDevice, stream: number, window = 64): { text: string; ended: boolean } {
  let text = "";
  let ended = false;
  for (let at = 0; at < device.heard.length; at++) {
    const message = device.heard[at]!;
    if (message.kind !== "data" || message.stream !== stream) continue;
    if (message.offset === text.length && !ended) {
      text += Buffer.from(message.bytes).toString();
      ended = message.end !== undefined;
    }
    device.say({ kind: "credit", stream, next: text.length + (ended ? 1 : 0), window });
  }
  return { text, ended };
}

async function* source(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield bytes(piece);
}

test("stat tells type, size, mode and time; without a clock there is no time", async () => {
  const t = await start();
  const asked = t.files.stat(key, "/a", never());
  const args = await t.answer(t.device, Status.OK, [0, 5, 0o644, [1_700_000_000, 250]]);
  assert.deepEqual(args, ["/a"]);
  assert.deepEqual(await asked, { type: "file", size: 5, mode: 0o644, modifiedMs: 1_700_000_000_250 });
  const root = t.files.stat(key, "/", never());
  await t.answer(t.device, Status.OK, [1, 0, 0o755, null]);
  assert.deepEqual(await root, { type: "directory", size: 0, mode: 0o755 });
});

test("a list is read page by page, and what came twice stands once", async () => {
  const t = await start();
  const asked = t.files.list(key, "/d", never());
  const entry = (name: string) => [name, 0, 1, 0o644];
  assert.deepEqual(await t.answer(t.device, Status.OK, [3, [entry("a"), entry("b")]]), ["/d", 0]);
  assert.deepEqual(await t.answer(t.device, Status.OK, [4, [entry("b")]]), ["/d", 2]);
  assert.deepEqual(await t.answer(t.device, Status.OK, [4, [["c", 1, 0, 0o755]]]), ["/d", 3]);
  const entries = await asked;
  assert.deepEqual(
    entries.map(({ name, type }) => `${name} ${type}`),
    ["a file", "b file", "c directory"],
  );
});

test("a list that shrinks between its pages ends", async () => {
  const t = await start();
  const asked = t.files.list(key, "/", never());
  await t.answer(t.device, Status.OK, [2, [["a", 0, 1, 0o644]]]);
  await t.answer(t.device, Status.OK, [2, []]);
  assert.equal((await asked).length, 1);
});

test("a directory of as many entries as are read is listed, one of more is refused", async () => {
  for (const count of [maxEntries, maxEntries + 1]) {
    const t = await start({ maxMessageBytes: 1024 });
    const asked = t.files.list(key, "/", never());
    const outcome = asked.then(
      (entries) => String(entries.length),
      (error: { code: string }) => error.code,
    );
    // As many as a message of 1,024 bytes surely takes.
    for (let from = 0; from < count; from += 80) {
      const names = Array.from({ length: Math.min(80, count - from) }, (_, at) => `${from + at}`);
      await t.answer(t.device, Status.OK, [count, names.map((name) => [name, 0, 1, 0] as CborValue)]);
    }
    assert.equal(await outcome, count > maxEntries ? "FILE_LIST_TOO_LONG" : String(maxEntries));
  }
});

test("a name that would leave its directory is not passed on", async () => {
  for (const name of ["../x", "a/b", "..", ".", "", "a\0b"]) {
    const t = await start();
    const failing = assert.rejects(t.files.list(key, "/", never()), { code: "FILE_NAME_BAD" });
    await t.answer(t.device, Status.OK, [1, [[name, 0, 1, 0o644]]]);
    await failing;
  }
});

test("an answer that cannot be read ends the command, and says so", async () => {
  const t = await start();
  await t.refused(t.files.stat(key, "/a", never()), Status.OK, {
    name: "ProtocolError",
    code: "FILE_ANSWER",
  });
});

test("statuses come through as what they mean for files", async () => {
  const t = await start();
  const { files } = t;
  await t.refused(files.stat(key, "/a", never()), Status.NOT_FOUND, {
    name: "RequestError",
    code: "FILE_NOT_FOUND",
  });
  await t.refused(files.list(key, "/a", never()), Status.FAILED_PRECONDITION, { code: "FILE_NOT_DIRECTORY" });
  await t.refused(files.read(key, "/d", never()), Status.FAILED_PRECONDITION, { code: "FILE_IS_DIRECTORY" });
  await t.refused(files.read(key, "/a", { offset: 9, ...never() }), Status.OUT_OF_RANGE, {
    code: "FILE_OUT_OF_RANGE",
  });
  await t.refused(files.remove(key, "/", never()), Status.FAILED_PRECONDITION, { code: "FILE_IS_DIRECTORY" });
  await t.refused(files.rename(key, "/a", "/b", never()), Status.OUT_OF_RANGE, {
    code: "FILE_PATH_TOO_LONG",
  });
  const file = { size: 1, mode: 0o644, bytes: source("x") };
  await t.refused(files.write(key, "/a", file, never()), Status.RESOURCE_EXHAUSTED, {
    code: "FILE_NO_ROOM",
    message: /no space left on device/,
  });
  await t.refused(files.write(key, "/a", file, never()), Status.UNAVAILABLE, { name: "UnavailableError" });
});

test("a path that no device could have, and a device without files, are refused before anything is sent", async () => {
  const t = await start();
  const sent = t.device.all("request").length;
  for (const path of ["", "a", "/a/", "/a/../b", "/a\0", `/${"x".repeat(255)}`])
    await assert.rejects(t.files.stat(key, path, never()), { code: "FILE_PATH_INVALID" });
  await assert.rejects(t.files.rename(key, "/a", "/b/", never()), { code: "FILE_PATH_INVALID" });
  const large = { size: 2 ** 32, mode: 0, bytes: source() };
  await assert.rejects(t.files.write(key, "/a", large, never()), { code: "FILE_TOO_LARGE" });
  await assert.rejects(t.files.rename(key, `/${"a".repeat(253)}`, `/${"b".repeat(254)}`, never()), {
    code: "FILE_PATH_TOO_LONG",
    message: /the device accepts at most 512/,
  });
  assert.equal(t.device.all("request").length, sent);
  const other = await start({ caps: Capability.exec });
  await assert.rejects(other.files.stat(key, "/a", never()), { code: "FILES_UNSUPPORTED" });
});

async function startRead(options: { signal?: AbortSignal; offset?: number } = {}) {
  const t = await start();
  const reading = t.files.read(key, "/log", { ...never(), ...options });
  const [stream, offset, path] = await t.answer(t.device, Status.OK);
  assert.deepEqual([offset, path], [options.offset ?? 0, "/log"]);
  const id = stream as number;
  const send = (at: number, text: string, end?: number) =>
    t.device.say({
      kind: "data",
      stream: id,
      offset: at,
      bytes: bytes(text),
      ...(end === undefined ? {} : { end: { status: end } }),
    });
  return { ...t, file: await reading, stream: id, send };
}

test("a file is read from an offset to its end", async () => {
  const t = await startRead({ offset: 7 });
  t.send(0, "hello ");
  t.send(6, "world", Status.OK);
  assert.equal(Buffer.concat(await Array.fromAsync(t.file)).toString(), "hello world");
});

test("who does not read stops the device: no window is left, and reading gives it back", async () => {
  const t = await startRead();
  const piece = "x".repeat(400);
  let at = 0;
  while (t.device.last("credit")?.window !== 0 && at < 40_000) {
    t.send(at, piece);
    at = t.device.last("credit")!.next;
  }
  assert.equal(at, 16_384);
  const iterator = t.file[Symbol.asyncIterator]();
  let read = 0;
  while (read < 9_000) read += (await iterator.next()).value!.length;
  assert.ok(t.device.last("credit")!.window > 8_000);
});

test("a reader that stops early ends the transfer on the device", async () => {
  const t = await startRead();
  t.send(0, "abc");
  for await (const piece of t.file) {
    assert.equal(Buffer.from(piece).toString(), "abc");
    break;
  }
  assert.deepEqual(t.device.last("credit")?.status, Status.CANCELLED);
});

test("a signal ends a transfer that nobody has begun to iterate", async () => {
  const abort = new AbortController();
  const t = await startRead({ signal: abort.signal });
  abort.abort();
  assert.equal(t.device.last("credit")?.status, Status.CANCELLED);
  await assert.rejects(Array.fromAsync(t.file), { code: "FILE_CANCELLED" });
});

test("what was cut throws while iterating: a lost device, a reboot, a changed file", async () => {
  const lost = await startRead();
  lost.send(0, "abc");
  const failing = assert.rejects(Array.fromAsync(lost.file), {
    name: "UnavailableError",
    code: "FILE_UNAVAILABLE",
  });
  lost.device.unplug();
  lost.clock.advance(30_000);
  await failing;

  const changed = await startRead();
  changed.send(0, "abc", Status.DATA_LOSS);
  await assert.rejects(Array.fromAsync(changed.file), { code: "FILE_DATA_LOSS" });

  const rebooted = await startRead();
  rebooted.device.hello({ boot: 2, caps: Capability.files });
  await rebooted.commit();
  await assert.rejects(Array.fromAsync(rebooted.file), { code: "FILE_ABORTED", message: /has rebooted/ });
});

test("a device that is alive and moves nothing is left after a minute", async () => {
  const t = await startRead();
  const failing = assert.rejects(Array.fromAsync(t.file), { code: "FILE_STALLED" });
  for (let second = 0; second < 60; second += 10) {
    await settle();
    t.device.say({ kind: "beat" });
    t.clock.advance(10_000);
  }
  await failing;
  assert.equal(t.device.last("credit")?.status, Status.CANCELLED);
});

async function startWrite(file: { size?: number; bytes: AsyncIterable<Uint8Array>; signal?: AbortSignal }) {
  const t = await start();
  const { size, bytes: content } = file;
  const options = { signal: file.signal ?? never().signal };
  const writing = t.files.write(key, "/a", { size, mode: 0o100644, bytes: content }, options);
  writing.catch(() => undefined);
  const args = await t.answer(t.device, Status.OK);
  const stream = args[0] as number;
  assert.deepEqual(args.slice(1), [size ?? null, 0o644, "/a"]);
  /** Takes what comes until the condition holds. */
  const takeUntil = async (done: (got: { text: string; ended: boolean }) => boolean) => {
    for (let round = 0; round < 1_000; round++) {
      const got = take(t.device, stream);
      if (done(got)) return got;
      await settle();
    }
    throw new assert.AssertionError({ message: "the device did not get what it waits for" });
  };
  const finish = (status: number) =>
    t.device.say({ kind: "data", stream, offset: 0, bytes: new Uint8Array(), end: { status } });
  return { ...t, writing, stream, takeUntil, finish };
}

test("a write is done when the device has said so, not before", async () => {
  const t = await startWrite({ size: 11, bytes: source("hello ", "world") });
  const { text } = await t.takeUntil(({ ended }) => ended);
  assert.equal(text, "hello world");
  let done = false;
  void t.writing.then(() => {
    done = true;
  });
  await settle();
  assert.equal(done, false);
  t.finish(Status.OK);
  await t.writing;
});

test("a source is asked for more only as fast as the device takes", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 8;
      yield bytes("12345678");
    }
  }
  const t = await startWrite({ bytes: endless() });
  for (let round = 0; round < 20; round++) await settle();
  assert.ok(given <= 24, `${given} bytes were asked for with a window of 8`);
  t.finish(Status.RESOURCE_EXHAUSTED);
  await assert.rejects(t.writing, { code: "FILE_NO_ROOM" });
});

test("a device that ends early is heard although the source waits", async () => {
  let left = false;
  const waiting: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        left = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const t = await startWrite({ bytes: waiting });
  t.finish(Status.RESOURCE_EXHAUSTED);
  await assert.rejects(t.writing, { code: "FILE_NO_ROOM" });
  assert.equal(left, true);
});

test("a file that is not as long as was said is never committed", async () => {
  for (const size of [4, 6]) {
    const t = await startWrite({ size, bytes: source("12345") });
    await t.takeUntil(() => t.device.last("credit")?.status !== undefined);
    await assert.rejects(t.writing, { code: "FILE_SIZE" });
    assert.ok(!take(t.device, t.stream).ended);
    assert.equal(t.device.last("credit")?.status, Status.CANCELLED);
  }
});

test("a source that fails, and a caller who leaves, abandon the write", async () => {
  async function* broken() {
    yield bytes("1");
    throw new RangeError("the archive is cut");
  }
  const t = await startWrite({ bytes: broken() });
  await assert.rejects(t.writing, { message: "the archive is cut" });
  assert.equal(t.device.last("credit")?.status, Status.CANCELLED);

  const abort = new AbortController();
  const left = await startWrite({ bytes: source("12345678", "12345678", "1"), signal: abort.signal });
  abort.abort();
  await assert.rejects(left.writing, { code: "FILE_CANCELLED" });
  assert.equal(left.device.last("credit")?.status, Status.CANCELLED);
});

test("a device that is lost when it had everything leaves the write unknown, and says so", async () => {
  const t = await startWrite({ bytes: source("12345") });
  await t.takeUntil(({ ended }) => ended);
  t.device.unplug();
  t.clock.advance(30_000);
  await assert.rejects(t.writing, {
    code: "FILE_COMMIT_UNKNOWN",
    message: /not known whether it was written/,
  });
});

test("a removal whose answer is lost with the device says that it may have happened", async () => {
  const t = await start();
  const failing = assert.rejects(t.files.remove(key, "/a", never()), {
    name: "UnavailableError",
    message: /it is not known whether it was done/,
  });
  await t.commit();
  assert.equal(t.device.last("request")?.op, commands.fileRemove.op);
  t.device.hello({ boot: 2, caps: Capability.files });
  await t.commit();
  await failing;
});

test("what comes of asking is counted", async () => {
  const t = await start();
  await t.refused(t.files.stat(key, "/a", never()), Status.NOT_FOUND, { code: "FILE_NOT_FOUND" });
  assert.equal(
    await t.metrics.valueOf("motelet_verbs_total", { verb: "files", status: "FILE_NOT_FOUND" }),
    1,
  );
});
