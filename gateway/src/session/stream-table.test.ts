import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, type Message, Status } from "@motelet/profiles";
import { Metrics } from "../foundation/metrics.ts";
import { sessionMeters } from "./session-meters.ts";
import { maxHeldBytes } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

function table() {
  const sent: Message[] = [];
  const metrics = new Metrics();
  let nowMs = 0;
  const streams: StreamTable = new StreamTable({
    meters: sessionMeters(metrics),
    send: (message) => sent.push(message),
    wake: () => streams.poll(nowMs),
    nowMs: () => nowMs,
  });
  return {
    streams,
    sent,
    metrics,
    open: (what = "a test") =>
      streams.open({ rtoMs: 500, maxMessageBytes: 128, windowBytes: 100 }, { what, sinceMs: nowMs }),
    at(ms: number) {
      nowMs = ms;
      streams.poll(ms);
    },
  };
}

test("23 streams can be open, one more is refused and counted", async () => {
  const t = table();
  const ids = Array.from({ length: limits.streamId }, () => t.open()?.id);
  assert.deepEqual(
    ids,
    Array.from({ length: 23 }, (_, i) => i + 1),
  );
  assert.equal(t.open(), undefined);
  assert.equal(await t.metrics.valueOf("motelet_streams_refused_total"), 1);
});

test("data for a stream that is not open is answered NOT_FOUND at its own offset", () => {
  const t = table();
  t.streams.data({ kind: "data", stream: 4, offset: 77, bytes: new Uint8Array(1) });
  assert.deepEqual(t.sent, [{ kind: "credit", stream: 4, next: 77, window: 0, status: Status.NOT_FOUND }]);
});

test("an ended stream still answers repetitions, and its id is given again last", async () => {
  const t = table();
  const stream = t.open();
  const last = {
    kind: "data",
    stream: 1,
    offset: 0,
    bytes: Uint8Array.of(1),
    end: { status: 0, exitCode: 3 },
  } as const;
  t.streams.data(last);
  assert.deepEqual(await stream?.ended, { status: 0, exitCode: 3 });
  t.streams.data(last);
  assert.deepEqual(t.sent, [
    { kind: "credit", stream: 1, next: 2, window: 0 },
    { kind: "credit", stream: 1, next: 2, window: 0 },
  ]);
  assert.equal(t.open()?.id, 2);
});

test("a cancellation is repeated, because nothing answers it", () => {
  const t = table();
  t.open()?.cancel();
  for (const ms of [499, 500, 1_499, 1_500, 60_000]) t.at(ms);
  const cancel = { kind: "credit", stream: 1, next: 0, window: 0, status: Status.CANCELLED };
  assert.deepEqual(t.sent, [cancel, cancel, cancel]);
  assert.equal(t.streams.dueMs, undefined);
});

test("a write resolves when it is within the device's window, not before", async () => {
  const t = table();
  const stream = t.open()!;
  let written = false;
  const writing = stream.write(new Uint8Array(150)).then(() => {
    written = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written, false);
  t.streams.credit({ kind: "credit", stream: 1, next: 100, window: 50 });
  t.at(1);
  await writing;
});

test("a stream holds its bound of bytes, one more is refused", async () => {
  const stream = table().open()!;
  stream.write(new Uint8Array(maxHeldBytes)).catch(() => undefined);
  await assert.rejects(stream.write(new Uint8Array(1)), { code: "STREAM_OVERFLOW" });
  stream.cancel();
});

test("whoever reads or writes when a stream fails is freed", async () => {
  const t = table();
  const stream = t.open()!;
  const reading = Array.fromAsync(stream.read());
  const writing = stream.write(new Uint8Array(1_000));
  t.streams.failAll({ status: Status.UNAVAILABLE, message: "lost" });
  assert.deepEqual(await reading, []);
  await assert.rejects(writing, { code: "STREAM_ENDED" });
  assert.deepEqual(await stream.ended, { status: Status.UNAVAILABLE, message: "lost" });
});

test("a device's credit with a status ends the stream in both directions", async () => {
  const t = table();
  const stream = t.open()!;
  t.streams.credit({ kind: "credit", stream: 1, next: 0, window: 0, status: Status.NOT_FOUND });
  assert.equal((await stream.ended).status, Status.NOT_FOUND);
});

test("a message that moves a stream by 128 bytes says so; one less, a repetition and stray data do not", () => {
  const t = table();
  const stream = t.open();
  const data = (offset: number, length: number) =>
    t.streams.data({ kind: "data", stream: 1, offset, bytes: new Uint8Array(length) });
  assert.deepEqual(
    [data(0, 128), data(0, 128), data(128, 127), data(9_000, 128)],
    [true, false, false, false],
  );
  assert.equal(t.streams.data({ kind: "data", stream: 2, offset: 0, bytes: new Uint8Array(128) }), false);

  const credit = (next: number) => t.streams.credit({ kind: "credit", stream: 1, next, window: 1_000 });
  assert.equal(credit(0), false);
  void stream?.write(new Uint8Array(400));
  assert.deepEqual([credit(128), credit(128), credit(255)], [true, false, false]);
  assert.equal(t.streams.credit({ kind: "credit", stream: 2, next: 128, window: 0 }), false);
});
