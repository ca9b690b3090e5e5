import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "./board/sensors.ts";
import { type Segment, StreamReceiver, StreamSender } from "./stream.ts";

interface Weather {
  readonly seed: number;
  readonly loss: number;
  readonly duplication: number;
  /** The longest delay of a message in milliseconds, of at least 1: later ones overtake. */
  readonly longestTripMs: number;
}

/** Virtual time: what is sent arrives late, twice, in another order, or never. */
class Pipe {
  nowMs = 0;
  readonly #random: () => number;
  readonly #weather: Weather;
  #queue: { readonly atMs: number; readonly deliver: () => void }[] = [];

  constructor(weather: Weather) {
    this.#weather = weather;
    this.#random = seededRandom(weather.seed);
  }

  send(deliver: () => void): void {
    const { loss, duplication, longestTripMs } = this.#weather;
    for (const copy of [1, duplication]) {
      if (this.#random() >= copy || this.#random() < loss) continue;
      this.#queue.push({ atMs: this.nowMs + 1 + this.#random() * longestTripMs, deliver });
    }
    this.#queue.sort((a, b) => a.atMs - b.atMs);
  }

  /** Moves to the next arrival, at most to `untilMs`. */
  advance(untilMs: number): void {
    const next = this.#queue[0];
    if (!next || next.atMs > untilMs) {
      this.nowMs = untilMs;
      return;
    }
    this.#queue.shift();
    this.nowMs = next.atMs;
    next.deliver();
  }
}

/** Sends all bytes over the faulty line to a reader that empties its buffer at its own pace; returns what arrived. */
function transfer(bytes: Uint8Array, bufferBytes: number, readPerMs: number, weather: Weather): Uint8Array {
  const pipe = new Pipe(weather);
  const sender = new StreamSender({ bufferBytes, rtoMs: 100, windowBytes: bufferBytes });
  const receiver = new StreamReceiver(bufferBytes);
  const arrived: Uint8Array[] = [];
  let written = 0;
  let buffered = 0;
  let ended = false;
  let drainedAtMs = 0;
  const room = () => bufferBytes - Math.floor(buffered);
  const credit = (answer: ReturnType<StreamReceiver["credit"]>) =>
    pipe.send(() => sender.credit(answer.next, answer.window));
  const take = (segment: Segment) => {
    const received = receiver.receive(segment, room());
    arrived.push(received.bytes.slice());
    buffered += received.bytes.length;
    if (received.end) ended = true;
    credit(receiver.credit(room()));
  };
  for (let steps = 0; !sender.finished; steps++) {
    assert.ok(steps < 200_000, `no end after ${pipe.nowMs} ms of virtual time`);
    written += sender.write(bytes.subarray(written));
    if (written === bytes.length) sender.finish({ status: 0, exitCode: 7 });
    sender.poll(pipe.nowMs);
    for (let segment = sender.next(100, pipe.nowMs); segment; segment = sender.next(100, pipe.nowMs)) {
      const sent = segment;
      pipe.send(() => take(sent));
    }
    buffered = Math.max(0, buffered - (pipe.nowMs - drainedAtMs) * readPerMs);
    drainedAtMs = pipe.nowMs;
    if (receiver.wantsUpdate(room())) credit(receiver.credit(room()));
    pipe.advance(Math.min(pipe.nowMs + 20, Math.max(sender.deadlineMs, pipe.nowMs + 1)));
  }
  assert.ok(ended);
  return Buffer.concat(arrived);
}

const weather = fc.record({
  seed: fc.integer({ min: 1 }),
  loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
  duplication: fc.double({ min: 0, max: 0.5, noNaN: true }),
  longestTripMs: fc.integer({ min: 0, max: 60 }),
});

suite("a stream", () => {
  test("brings the same bytes to an end through loss, duplication and reordering", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3_000, size: "max" }),
        fc.integer({ min: 1, max: 600 }),
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        weather,
        (bytes, bufferBytes, readPerMs, sky) => {
          assert.deepEqual(Buffer.from(transfer(bytes, bufferBytes, readPerMs, sky)), Buffer.from(bytes));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("goes on where its 16-bit offsets wrap", () => {
    const bytes = Uint8Array.from({ length: 150_000 }, (_, index) => (index * 7) % 251);
    const sky = { seed: 9, loss: 0.02, duplication: 0.02, longestTripMs: 0 };
    assert.deepEqual(Buffer.from(transfer(bytes, 16_384, 1000, sky)), Buffer.from(bytes));
  });

  test("takes exactly as many bytes as its buffer holds", () => {
    const sender = new StreamSender({ bufferBytes: 10, rtoMs: 100 });
    assert.equal(sender.write(new Uint8Array(11)), 10);
    assert.equal(sender.free, 0);
    assert.equal(sender.write(new Uint8Array(1)), 0);
    assert.equal(sender.next(100, 0)?.bytes.length, 10);
    sender.credit(4, 100);
    assert.equal(sender.free, 4);
  });

  test("ignores credits for bytes that were never written, and stale ones", () => {
    const sender = new StreamSender({ bufferBytes: 10, rtoMs: 100 });
    sender.write(new Uint8Array(5));
    sender.next(100, 0);
    sender.credit(6, 100);
    sender.credit(65_535, 100);
    assert.equal(sender.free, 5);
    sender.credit(5, 100);
    assert.equal(sender.free, 10);
    sender.finish({ status: 0 });
    sender.credit(7, 100);
    assert.equal(sender.finished, false);
    sender.next(100, 0);
    sender.credit(6, 100);
    assert.equal(sender.finished, true);
  });

  test("sends shorter segments after losses and longer ones again after progress", () => {
    const sender = new StreamSender({ bufferBytes: 5_000, rtoMs: 100, windowBytes: 5_000 });
    sender.write(new Uint8Array(5_000));
    assert.equal(sender.next(1000, 0)?.bytes.length, 1000);
    sender.poll(100);
    assert.equal(sender.next(1000, 100)?.bytes.length, 512);
    sender.poll(300);
    assert.equal(sender.next(1000, 300)?.bytes.length, 256);
    for (let nowMs = 1_000; nowMs < 10_000; nowMs += 900) {
      sender.poll(nowMs);
      assert.ok((sender.next(1000, nowMs)?.bytes.length ?? 0) >= 96);
    }
    sender.credit(96, 5_000);
    assert.equal(sender.next(1000, 10_000)?.bytes.length, 112);
  });

  test("its window tells at most 16,384 bytes", () => {
    assert.equal(new StreamReceiver(20_000).credit(20_000).window, 16_384);
    assert.equal(new StreamReceiver(16_384).credit(16_384).window, 16_384);
  });
});
