import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { Metrics } from "../../foundation/metrics.ts";
import type { Line, LineEvents } from "./line.ts";
import { outputBufferBytes, SerialChannel } from "./serial-channel.ts";
import { SerialMeters } from "./serial-meters.ts";
import { OpenedChannel } from "./serial-test-bed.ts";

/** A line in memory with a clock that is moved by hand. */
function build() {
  let nowMs = 1_000;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const advance = (byMs: number) => {
    const endMs = nowMs + byMs;
    for (;;) {
      const due = [...timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      timers.delete(due);
      nowMs = due.atMs;
      due.callback();
    }
    nowMs = endMs;
  };
  const written: Uint8Array[] = [];
  const line = { bufferedBytes: 0, events: undefined as LineEvents | undefined, closes: 0 };
  const fake: Line = {
    get bufferedBytes() {
      return line.bufferedBytes;
    },
    listen(events) {
      line.events = events;
    },
    write: (bytes) => void written.push(bytes),
    close: () => void line.closes++,
  };
  const metrics = new Metrics();
  const channel = new SerialChannel({
    line: fake,
    port: "unix:/run/lamp",
    rtoMs: 500,
    clock,
    meters: new SerialMeters(metrics),
  });
  const opened = new OpenedChannel(channel);
  channel.begin(opened, () => {});
  const receive = (bytes: Uint8Array | string) => line.events?.data(Buffer.from(bytes as string, "latin1"));
  return { channel, opened, line, written, metrics, advance, receive, timers };
}

test("a channel declares the physics of a serial line", () => {
  const { channel } = build();
  const { carrier, identity, acksBeats, rtoMs, maxMessageBytes, peer } = channel;
  assert.deepEqual(
    { carrier, identity, acksBeats, rtoMs, maxMessageBytes, peer },
    {
      carrier: "serial",
      identity: { kind: "port", port: "unix:/run/lamp" },
      acksBeats: true,
      rtoMs: 500,
      maxMessageBytes: 1_024,
      peer: "unix:/run/lamp",
    },
  );
});

test("frames become messages and all else becomes console text, whatever way the bytes are split", () => {
  const stream = Buffer.concat([
    Buffer.from("boot\n"),
    encodeFrame(Uint8Array.of(0x82, 0, 7)),
    Buffer.from("ok\n"),
  ]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const { opened, receive } = build();
    receive(stream.subarray(0, cut));
    receive(stream.subarray(cut));
    assert.equal(opened.text, "boot\nok\n");
    assert.deepEqual(
      opened.messages.map((message) => [...message]),
      [[0x82, 0, 7]],
    );
  }
});

test("a segment ends after 100 ms of silence, not after 99, and its text is kept", async () => {
  const { opened, receive, advance, metrics, timers } = build();
  receive("\0\x05\x82panic: stack overflow");
  advance(60);
  receive(" in task 3");
  advance(99);
  assert.equal(opened.text, "");
  advance(1);
  assert.equal(opened.text, "panic: stack overflow in task 3");
  assert.equal(await metrics.valueOf("motelet_serial_bad_frames_total", { port: "unix:/run/lamp" }), 1);
  assert.equal(timers.size, 0);
});

test("a whole frame leaves no timer behind", () => {
  const { receive, timers } = build();
  const frame = encodeFrame(Uint8Array.of(0x82, 2, 3));
  receive(frame.subarray(0, 3));
  assert.equal(timers.size, 1);
  receive(frame.subarray(3));
  assert.equal(timers.size, 0);
});

test("the last words of a board that died inside a frame are kept", () => {
  const { opened, receive, line } = build();
  receive("\0\x05\x82panic: out of memory");
  line.events?.closed("hung up");
  assert.equal(opened.text, "panic: out of memory");
});

test("output at the buffer's limit is taken, one byte past it is dropped and counted, or refused where it is typed", async () => {
  const { channel, line, written, metrics } = build();
  const message = new Uint8Array(100).fill(1);
  const frameBytes = encodeFrame(message).length;
  line.bufferedBytes = outputBufferBytes - frameBytes;
  assert.equal(channel.send(message), true);
  line.bufferedBytes++;
  assert.equal(channel.send(message), false);
  assert.equal(await metrics.valueOf("motelet_serial_dropped_total", { reason: "message" }), 1);
  assert.equal(channel.writeConsole(new Uint8Array(frameBytes - 1).fill(65)), true);
  assert.equal(channel.writeConsole(new Uint8Array(frameBytes).fill(65)), false);
  assert.equal(written.length, 2);
});

test("console input has its zero bytes taken out", () => {
  const { channel, written } = build();
  assert.equal(channel.writeConsole(Uint8Array.of(0, 104, 0, 105, 0)), true);
  assert.equal(channel.writeConsole(Uint8Array.of(0, 0)), true);
  assert.deepEqual(
    written.map((bytes) => [...bytes]),
    [[104, 105]],
  );
});

test("a channel that is closed sends and delivers nothing, and says so once, not in the caller's turn", async () => {
  const { channel, opened, line, receive } = build();
  channel.close("superseded");
  assert.equal(opened.closedFor, undefined);
  channel.close("again");
  line.events?.closed("closed by the gateway");
  receive(encodeFrame(Uint8Array.of(0x81, 2)));
  await Promise.resolve();
  assert.equal(opened.closedFor, "superseded");
  assert.equal(line.closes, 1);
  assert.equal(channel.send(Uint8Array.of(1)), false);
  assert.equal(opened.messages.length, 0);
});
