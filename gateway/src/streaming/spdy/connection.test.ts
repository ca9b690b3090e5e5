import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { encodeSynStream } from "../../../test/fakes/spdy-client.ts";
import type { ProtocolError } from "../../foundation/errors.ts";
import { maxUnreadBytes } from "../receive-buffer.ts";
import { SpdyConnection, type SpdyLimits } from "./connection.ts";
import {
  controlType,
  encodeControl,
  encodeDataHead,
  encodePing,
  encodeRstStream,
  type Frame,
  FrameDecoder,
} from "./frame.ts";
import { HeaderBlockEncoder } from "./header-block.ts";
import type { SpdyStream } from "./stream.ts";

/** A socket whose other end is the test. Writes wait while `isStuck`. */
class TestSocket extends Duplex {
  readonly written: Buffer[] = [];
  isStuck = false;
  #waiting: (() => void) | undefined;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.written.push(bytes);
    if (this.isStuck) this.#waiting = done;
    else done();
  }

  release(): void {
    this.isStuck = false;
    this.#waiting?.();
  }

  get frames(): Frame[] {
    const decoder = new FrameDecoder();
    return this.written.flatMap((bytes) => decoder.push(bytes));
  }
}

function open(limits: Partial<SpdyLimits> = {}, accept = (_stream: SpdyStream) => true) {
  const socket = new TestSocket({ writableHighWaterMark: 16_384 });
  const clock = new ManualClock();
  const streams: SpdyStream[] = [];
  const errors: ProtocolError[] = [];
  const connection = new SpdyConnection(socket, {
    clock,
    limits,
    accept: (stream) => {
      const isAccepted = accept(stream);
      if (isAccepted) streams.push(stream);
      return isAccepted;
    },
    onProtocolError: (error) => errors.push(error),
  });
  const headers = new HeaderBlockEncoder();
  const synStream = (id: number, fin = false) =>
    encodeSynStream(id, headers.encode(new Map([["streamtype", "stdin"]])), fin);
  connection.start(new Uint8Array(0));
  const receive = async (...parts: readonly Uint8Array[]) => {
    socket.push(Buffer.concat(parts));
    await turn();
  };
  return { socket, clock, streams, errors, connection, synStream, receive };
}

const data = (id: number, text: string | Uint8Array, fin = false) =>
  Buffer.concat([encodeDataHead(id, text.length, fin), Buffer.from(text)]);

async function readAll(stream: SpdyStream): Promise<string> {
  let text = "";
  for await (const bytes of stream.input()) text += Buffer.from(bytes).toString();
  return text;
}

test("a stream is replied to before anything is sent on it", async () => {
  const { socket, streams, synStream, receive } = open();
  await receive(synStream(1));
  await streams[0]?.write(Buffer.from("out"));
  streams[0]?.end();
  assert.deepEqual(
    socket.frames.map((frame) => frame.type),
    ["synReply", "data", "data"],
  );
});

test("bytes that come with the upgrade belong to the conversation", async () => {
  const socket = new TestSocket();
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection(socket, {
    clock: new ManualClock(),
    accept: (stream) => streams.push(stream) > 0,
  });
  const block = new HeaderBlockEncoder().encode(new Map());
  connection.start(Buffer.concat([encodeSynStream(1, block), data(1, "early", true)]));
  assert.ok(streams[0]);
  assert.equal(await readAll(streams[0]), "early");
});

test("input ends with FIN; the stream is forgotten once both halves have ended", async () => {
  const { streams, connection, synStream, receive } = open();
  await receive(synStream(1), data(1, "one "), data(1, "two", true));
  assert.ok(streams[0]);
  assert.equal(await readAll(streams[0]), "one two");
  assert.equal(connection.openStreams, 1);
  streams[0].end();
  assert.equal(connection.openStreams, 0);
});

test("input of a reset stream ends with an error, what came before stays readable", async () => {
  const { streams, synStream, receive } = open();
  await receive(synStream(1), data(1, "before"), encodeRstStream(1, 5), data(1, "after"));
  const reading = streams[0]?.input();
  assert.equal(Buffer.from((await reading?.next())?.value ?? []).toString(), "before");
  await assert.rejects(reading?.next() ?? Promise.resolve(), { code: "STREAM_RESET" });
  await assert.rejects(streams[0]?.write(Buffer.from("x")) ?? Promise.resolve(), { code: "STREAM_RESET" });
});

test("streams up to the limit are open, the next is refused and the rest goes on", async () => {
  const { socket, streams, synStream, receive } = open({ streams: 2 });
  await receive(synStream(1), synStream(3), synStream(5));
  assert.equal(streams.length, 2);
  assert.deepEqual(socket.frames.at(-1), { type: "rstStream", streamId: 5, status: 3 });
  await receive(data(3, "still here", true));
  assert.ok(streams[1]);
  assert.equal(await readAll(streams[1]), "still here");
});

test("data before its stream is dropped, data before a held reply is kept within the limit", async () => {
  const { socket, streams, synStream, receive } = open({}, (stream) => {
    stream.holdReply();
    return true;
  });
  await receive(data(1, "early"), synStream(1), data(1, "kept"));
  assert.equal(socket.frames.length, 0);
  await receive(data(1, Buffer.alloc(maxUnreadBytes)));
  assert.equal(socket.isPaused(), true);
  streams[0]?.reply();
  streams[0]?.reply();
  assert.deepEqual(
    socket.frames.map((frame) => frame.type),
    ["synReply"],
  );
  const first = await streams[0]?.input().next();
  assert.equal(Buffer.from(first?.value ?? []).toString(), "kept");
});

test("stream ids must be odd and rise", async () => {
  for (const ids of [[2], [3, 1], [1, 1]]) {
    const { errors, synStream, receive } = open();
    await receive(...ids.map((id) => synStream(id)));
    assert.equal(errors[0]?.code, "SPDY_STREAM_ID");
  }
});

test("odd pings are echoed, even ones are not", async () => {
  const { socket, receive } = open();
  await receive(encodePing(1), encodePing(2), encodePing(3));
  assert.deepEqual(
    socket.frames.map((frame) => (frame.type === "ping" ? frame.id : frame.type)),
    [1, 3],
  );
});

test("idle frames at the limit are taken, one more ends the connection; a new window starts afresh", async () => {
  const { clock, errors, receive, socket, connection } = open({ idleFrames: 5, floodWindowMs: 1_000 });
  const pings = (count: number) => Array.from({ length: count }, () => encodePing(1));
  await receive(...pings(5));
  clock.advance(1_000);
  await receive(...pings(5));
  assert.equal(errors.length, 0);
  await receive(...pings(1));
  assert.equal(errors[0]?.code, "SPDY_FLOOD");
  await connection.closed;
  assert.equal(socket.frames.at(-1)?.type, "goAway");
});

test("settings and refused streams count as idle frames too", async () => {
  const settings = encodeControl(controlType.settings, 0, [Buffer.alloc(4)]);
  const flooded = open({ idleFrames: 3 }, () => false);
  await flooded.receive(flooded.synStream(1), flooded.synStream(3), settings);
  assert.equal(flooded.errors.length, 0);
  await flooded.receive(settings);
  assert.equal(flooded.errors[0]?.code, "SPDY_FLOOD");
});

test("unread input stops the reading of the socket, and reading it starts it again", async () => {
  const { socket, streams, synStream, receive } = open();
  await receive(synStream(1), data(1, Buffer.alloc(maxUnreadBytes - 128)));
  assert.equal(socket.isPaused(), false);
  await receive(data(1, "x"));
  assert.equal(socket.isPaused(), true);
  await streams[0]?.input().next();
  assert.equal(socket.isPaused(), false);
});

test("pings are not answered to a peer that does not read", async () => {
  const { socket, receive } = open({ unsentBytes: 100 });
  socket.isStuck = true;
  await receive(encodePing(1));
  socket.write(Buffer.alloc(88));
  await receive(encodePing(3));
  socket.write(Buffer.alloc(1));
  await receive(encodePing(5));
  socket.release();
  await turn();
  const pings = Buffer.concat(socket.written)
    .toString("hex")
    .match(/8003000600000004000000../g);
  assert.deepEqual(
    pings?.map((ping) => ping.slice(-1)),
    ["1", "3"],
  );
});

test("a crowded stream that we reset does not keep the socket from being read", async () => {
  const { socket, streams, synStream, receive } = open();
  await receive(synStream(1), data(1, Buffer.alloc(maxUnreadBytes)));
  assert.equal(socket.isPaused(), true);
  streams[0]?.reset();
  assert.equal(socket.isPaused(), false);
});

test("while input waits, empty data frames find out whether the peer is still there", async () => {
  const { socket, clock, streams, synStream, receive } = open({ probeMs: 5_000 });
  await receive(synStream(1), data(1, Buffer.alloc(maxUnreadBytes)));
  const before = socket.written.length;
  clock.advance(4_999);
  assert.equal(socket.written.length, before);
  clock.advance(5_001);
  assert.deepEqual(socket.written.slice(before), [encodeDataHead(1, 0, false), encodeDataHead(1, 0, false)]);
  await streams[0]?.input().next();
  clock.advance(60_000);
  assert.equal(socket.written.length, before + 2);
});

test("input that nobody takes ends the connection after the stall timeout, input that is taken does not", async () => {
  const { socket, clock, streams, synStream, receive, connection } = open({ stallTimeoutMs: 60_000 });
  await receive(synStream(1), data(1, Buffer.alloc(maxUnreadBytes)));
  clock.advance(59_000);
  await streams[0]?.input().next();
  await receive(data(1, Buffer.alloc(maxUnreadBytes)));
  clock.advance(59_000);
  assert.equal(socket.writableEnded, false);
  clock.advance(1_000);
  await connection.closed;
});

test("input of one byte a frame is bounded as well", async () => {
  const { socket, synStream, receive } = open();
  await receive(synStream(1), ...Array.from({ length: 600 }, () => data(1, "x")));
  assert.equal(socket.isPaused(), true);
});

test("discarded input stops nothing", async () => {
  const { socket, streams, synStream, receive } = open();
  await receive(synStream(1), data(1, Buffer.alloc(maxUnreadBytes + 1)));
  assert.equal(socket.isPaused(), true);
  streams[0]?.discardInput();
  assert.equal(socket.isPaused(), false);
  await receive(data(1, Buffer.alloc(maxUnreadBytes + 1)));
  assert.equal(socket.isPaused(), false);
});

test("a write waits for the socket, and is freed by the loss of it", async () => {
  const { socket, streams, synStream, receive, connection } = open();
  await receive(synStream(1));
  socket.isStuck = true;
  let isWritten = false;
  const writing = streams[0]?.write(Buffer.alloc(100_000)).then(
    () => {
      isWritten = true;
    },
    () => undefined,
  );
  await turn();
  assert.equal(isWritten, false);
  socket.destroy();
  await writing;
  await connection.closed;
  assert.equal(isWritten, false);
  const next = streams[0]?.input().next() ?? Promise.resolve();
  await assert.rejects(next, { code: "CONNECTION_LOST" });
});

test("without traffic the connection ends after the idle timeout, any frame starts it again", async () => {
  const { clock, connection, receive, socket } = open({ idleTimeoutMs: 1_000 });
  clock.advance(900);
  await receive(encodePing(1));
  clock.advance(900);
  assert.equal(socket.writableEnded, false);
  clock.advance(100);
  await connection.closed;
});

test("close waits for the peer, then resets, says GOAWAY and closes", async () => {
  const { clock, connection, receive, socket, synStream } = open();
  await receive(synStream(1));
  const closing = connection.close(5_000);
  clock.advance(4_999);
  assert.equal(socket.writableEnded, false);
  clock.advance(1);
  await closing;
  assert.deepEqual(socket.frames.slice(-2), [
    { type: "rstStream", streamId: 1, status: 5 },
    { type: "goAway", lastGoodStreamId: 1, status: 0 },
  ]);
});

test("a peer that reads nothing is not waited for longer than the linger", async () => {
  const { clock, connection, socket, receive } = open({ lingerMs: 2_000 });
  socket.isStuck = true;
  await receive(encodePing(1));
  const closing = connection.close();
  clock.advance(2_000);
  await closing;
});

test("a half-closed socket is a lost one", async () => {
  const { connection, socket } = open();
  socket.push(null);
  await connection.closed;
});

test("any bytes end in order or with a typed error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), async (chunks) => {
      const { connection, receive, synStream, clock } = open();
      await receive(synStream(1));
      for (const chunk of chunks) await receive(encodeDataHead(1, chunk.length, false), chunk, chunk);
      const closing = connection.close();
      clock.advance(10_000);
      await closing;
    }),
    { numRuns: 500, seed: 41 },
  );
});
