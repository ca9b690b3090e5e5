import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "@motelet/profiles";
import fc from "fast-check";
import { floorRtoMs, RoundTrip } from "./round-trip.ts";
import { receiveBufferBytes, StreamReceiver } from "./stream-receiver.ts";
import { type Segment, StreamSender } from "./stream-sender.ts";

const data = (segment: Segment) => ({
  offset: segment.offset,
  bytes: segment.bytes,
  ...(segment.end ? { end: { status: 0 } } : {}),
});

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
}

/** A line whose fate for each message comes from a list, over and over: 0 lost, 1 arrives, 2 twice, 3 late. */
function line<T>(fates: readonly number[], delayMs: number) {
  const queue: { readonly atMs: number; readonly item: T }[] = [];
  let turn = 0;
  return {
    send(item: T, nowMs: number) {
      const fate = fates[turn++ % fates.length] ?? 1;
      if (fate >= 1) queue.push({ atMs: nowMs + (fate === 3 ? 5 * delayMs : delayMs), item });
      if (fate === 2) queue.push({ atMs: nowMs + 2 * delayMs, item });
    },
    due(nowMs: number): T[] {
      const arrived = queue.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
      for (const item of arrived) queue.splice(queue.indexOf(item), 1);
      return arrived.map(({ item }) => item);
    },
  };
}

interface Run {
  readonly length: number;
  readonly capacity: number;
  readonly maxMessageBytes: number;
  readonly forward: readonly number[];
  readonly backward: readonly number[];
  readonly readEvery: number;
}

/** Runs a whole transfer on a clock of 1 ms steps. @returns what arrived, and how long and how many messages it took */
function transfer(run: Run): { bytes: Uint8Array; ended: boolean; tookMs: number; sent: number } {
  const sender = new StreamSender({ window: 64, maxMessageBytes: run.maxMessageBytes, rtoMs: 100 });
  const receiver = new StreamReceiver(run.capacity);
  const forward = line<Segment>(run.forward, 2);
  const backward = line<{ next: number; window: number }>(run.backward, 2);
  sender.write(pattern(run.length));
  sender.end();
  const got: Uint8Array[] = [];
  let sent = 0;
  let nowMs = 0;
  for (; nowMs < 600_000 && !sender.finished; nowMs++) {
    for (const segment of forward.due(nowMs)) backward.send(receiver.received(data(segment)), nowMs);
    if (nowMs % run.readEvery === 0) {
      for (let bytes = receiver.read(); bytes; bytes = receiver.read()) got.push(bytes);
      if (receiver.owesCredit) backward.send(receiver.credit(), nowMs);
    }
    for (const credit of backward.due(nowMs)) sender.credited(credit, nowMs);
    for (const segment of sender.poll(nowMs)) {
      assert.ok(segment.bytes.length <= run.maxMessageBytes - 11);
      forward.send(segment, nowMs);
      sent += 1;
    }
    assert.ok(receiver.bufferedBytes <= run.capacity);
  }
  for (let bytes = receiver.read(); bytes; bytes = receiver.read()) got.push(bytes);
  return { bytes: Buffer.concat(got), ended: receiver.end !== undefined, tookMs: nowMs, sent };
}

test("whatever a line loses, repeats and reorders, the same bytes arrive once and in order", () => {
  const fates = fc
    .array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 40 })
    // A line that loses most of what it gets carries single bytes for hours.
    .filter((list) => 2 * list.filter((fate) => fate > 0).length >= list.length);
  fc.assert(
    fc.property(
      fc.record({
        length: fc.integer({ min: 0, max: 3_000 }),
        capacity: fc.integer({ min: 16, max: 2_000 }),
        maxMessageBytes: fc.integer({ min: 64, max: 1_024 }),
        forward: fates,
        backward: fates,
        readEvery: fc.integer({ min: 1, max: 50 }),
      }),
      (run) => {
        const { bytes, ended } = transfer(run);
        assert.ok(ended);
        assert.deepEqual(Buffer.from(bytes), Buffer.from(pattern(run.length)));
      },
    ),
    { numRuns: 60 },
  );
});

test("a receiver with room for one byte gets them all", () => {
  const line = { maxMessageBytes: 64, forward: [1], backward: [1], readEvery: 3 };
  const { bytes } = transfer({ length: 100, capacity: 1, ...line });
  assert.deepEqual(Buffer.from(bytes), Buffer.from(pattern(100)));
});

test("200 kB go over a perfect line without one repetition and through the 16-bit wrap of offsets", () => {
  const { bytes, sent } = transfer({
    length: 200_000,
    capacity: 16_384,
    maxMessageBytes: 1_024,
    forward: [1],
    backward: [1],
    readEvery: 1,
  });
  assert.deepEqual(Buffer.from(bytes), Buffer.from(pattern(200_000)));
  assert.ok(sent <= 200_000 / 1_013 + 16, String(sent));
});

test("a line that loses two messages of five still carries 20 kB in seconds, because the wait follows the line", () => {
  const { tookMs, bytes } = transfer({
    length: 20_000,
    capacity: 16_384,
    maxMessageBytes: 1_024,
    forward: [1, 1, 0, 1, 0],
    backward: [1, 1, 1, 0],
    readEvery: 1,
  });
  assert.equal(bytes.length, 20_000);
  assert.ok(tookMs < 10_000, String(tookMs));
});

test("the wait doubles up to eight times the carrier's and starts anew after progress", () => {
  const sender = new StreamSender({ window: 10, maxMessageBytes: 128, rtoMs: 500 });
  sender.write(pattern(3));
  assert.equal(sender.poll(0).length, 1);
  const times: number[] = [];
  for (let nowMs = 0; nowMs < 13_000; nowMs++) if (sender.poll(nowMs).length > 0) times.push(nowMs);
  assert.deepEqual(times, [500, 1500, 3500, 7500, 11_500]);
  sender.write(pattern(3));
  sender.credited({ next: 3, window: 10 }, 13_000);
  assert.equal(sender.poll(13_000).length, 1);
  assert.equal(sender.dueMs, 13_500);
});

test("the second repeated credit sends at once from there, once only", () => {
  const sender = new StreamSender({ window: 1_000, maxMessageBytes: 128, rtoMs: 500 });
  sender.write(pattern(400));
  assert.equal(sender.poll(0).length, 4);
  const repeat = () => {
    sender.credited({ next: 0, window: 1_000 }, 1);
    return sender.poll(1).length;
  };
  assert.deepEqual([repeat(), repeat() > 0, repeat(), repeat(), repeat()], [0, true, 0, 0, 0]);
});

test("a window of 0 is probed with empty data, and its opening sends at once", () => {
  const sender = new StreamSender({ window: 0, maxMessageBytes: 128, rtoMs: 500 });
  sender.write(pattern(10));
  assert.equal(sender.poll(0).length, 0);
  assert.equal(sender.dueMs, 500);
  assert.deepEqual(sender.poll(500), [{ offset: 0, bytes: new Uint8Array(0), end: false }]);
  sender.credited({ next: 0, window: 4 }, 600);
  assert.deepEqual(
    sender.poll(600).map(({ bytes }) => bytes.length),
    [4],
  );
});

test("an end needs no window and takes one offset", () => {
  const sender = new StreamSender({ window: 0, maxMessageBytes: 128, rtoMs: 500 });
  sender.end();
  assert.deepEqual(sender.poll(0), [{ offset: 0, bytes: new Uint8Array(0), end: true }]);
  sender.credited({ next: 1, window: 0 }, 1);
  assert.equal(sender.finished, true);
});

test("a credit for what was never sent changes nothing", () => {
  const sender = new StreamSender({ window: 10, maxMessageBytes: 128, rtoMs: 500 });
  sender.write(pattern(20));
  sender.poll(0);
  sender.credited({ next: 11, window: 100 }, 0);
  assert.equal(sender.poll(0).length, 0);
  sender.credited({ next: 10, window: 100 }, 0);
  assert.equal(sender.poll(0)[0]?.bytes.length, 10);
});

test("a receiver at its capacity takes the byte that fits and not the one past it", () => {
  const receiver = new StreamReceiver(4);
  assert.deepEqual(receiver.received({ offset: 0, bytes: pattern(5), end: { status: 0 } }), {
    next: 4,
    window: 0,
  });
  assert.equal(receiver.end, undefined);
  assert.equal(receiver.owesCredit, false);
  receiver.read();
  assert.equal(receiver.owesCredit, true);
  assert.deepEqual(receiver.credit(), { next: 4, window: 4 });
  assert.equal(receiver.owesCredit, false);
  assert.deepEqual(receiver.received({ offset: 4, bytes: pattern(0), end: { status: 0, exitCode: 7 } }), {
    next: 5,
    window: 0,
  });
  assert.deepEqual(receiver.end, { status: 0, exitCode: 7 });
});

test("a receiver gives one window at first; one that was read from holds up to four and never gives more than one", () => {
  const receiver = new StreamReceiver();
  const { windowBytes } = limits;
  let at = 0;
  const fill = () => {
    let credit = receiver.credit();
    for (let sent = 0; credit.window > 0; sent++) {
      assert.ok(credit.window <= windowBytes && sent < 100);
      const bytes = new Uint8Array(Math.min(1_000, credit.window));
      credit = receiver.received({ offset: at & 0xffff, bytes });
      at += bytes.length;
    }
    return receiver.bufferedBytes;
  };
  assert.equal(fill(), windowBytes);
  assert.equal(receiver.read()?.length, windowBytes);
  assert.equal(fill(), windowBytes);
  receiver.read();
  assert.equal(fill(), 2 * windowBytes);
  receiver.read();
  assert.equal(fill(), receiveBufferBytes);
  receiver.read();
  assert.equal(fill(), receiveBufferBytes);
  assert.equal(receiver.received({ offset: at & 0xffff, bytes: new Uint8Array(1) }).next, at & 0xffff);
});

test("data that begins after what is expected is dropped, and answered", () => {
  const receiver = new StreamReceiver(limits.windowBytes);
  assert.deepEqual(receiver.received({ offset: 1, bytes: pattern(1) }), {
    next: 0,
    window: limits.windowBytes,
  });
});

test("the wait follows measured trips, never below the floor nor above eight times the carrier's", () => {
  const trip = new RoundTrip(500);
  assert.equal(trip.waitMs, 500);
  for (let i = 0; i < 50; i++) trip.measured(1);
  assert.equal(trip.waitMs, floorRtoMs(500));
  for (let i = 0; i < 20; i++) trip.waitedInVain();
  assert.equal(trip.waitMs, 4_000);
  trip.progressed();
  assert.equal(trip.waitMs, floorRtoMs(500));
});
