import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeSynStream } from "../../../test/fakes/spdy-client.ts";
import { ProtocolError } from "../../foundation/errors.ts";
import {
  controlType,
  encodeControl,
  encodeDataHead,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  type Frame,
  FrameDecoder,
  maxControlLength,
} from "./frame.ts";

const block = Buffer.from("a header block");
const conversation = Buffer.concat([
  encodeSynStream(1, block),
  encodeSynReply(1, block),
  encodeDataHead(1, 5, false),
  Buffer.from("hello"),
  encodeDataHead(1, 0, false),
  encodeDataHead(1, 3, true),
  Buffer.from("end"),
  encodeDataHead(3, 0, true),
  encodePing(7),
  encodeRstStream(3, 5),
  encodeControl(controlType.settings, 0, [Buffer.from([0, 0, 0, 1, 0, 0, 0, 4, 0, 1, 0, 0])]),
  encodeControl(controlType.windowUpdate, 0, [Buffer.from([0, 0, 0, 1, 0, 0, 16, 0])]),
  encodeControl(controlType.headers, 1, [Buffer.from([0, 0, 0, 1]), block]),
  encodeGoAway(9),
]);

const expected = [
  { type: "synStream", streamId: 1, fin: false, headerBlock: "a header block" },
  { type: "synReply", streamId: 1, fin: false, headerBlock: "a header block" },
  { type: "data", streamId: 1, fin: false, bytes: "hello" },
  { type: "data", streamId: 1, fin: true, bytes: "end" },
  { type: "data", streamId: 3, fin: true, bytes: "" },
  { type: "ping", id: 7 },
  { type: "rstStream", streamId: 3, status: 5 },
  { type: "settings", entries: 1 },
  { type: "windowUpdate", streamId: 1 },
  { type: "headers", streamId: 1, fin: true, headerBlock: "a header block" },
  { type: "goAway", lastGoodStreamId: 9, status: 0 },
];

/** Frames with their bytes as text, parts of one data frame joined. */
function readable(frames: readonly Frame[]): Record<string, unknown>[] {
  const joined: Record<string, unknown>[] = [];
  for (const frame of frames) {
    const last = joined.at(-1);
    if (frame.type !== "data") {
      joined.push(
        "headerBlock" in frame
          ? { ...frame, headerBlock: Buffer.from(frame.headerBlock).toString() }
          : { ...frame },
      );
    } else if (last?.type === "data" && last.streamId === frame.streamId && last.bytes === "hello") {
      joined.push({ ...frame, bytes: Buffer.from(frame.bytes).toString() });
    } else if (last?.type === "data" && last.streamId === frame.streamId) {
      last.bytes = `${last.bytes}${Buffer.from(frame.bytes)}`;
      last.fin = frame.fin;
    } else joined.push({ ...frame, bytes: Buffer.from(frame.bytes).toString() });
  }
  return joined;
}

test("a conversation split at every byte decodes to the same frames", () => {
  for (let at = 0; at <= conversation.length; at++) {
    const decoder = new FrameDecoder();
    const frames = [
      ...decoder.push(conversation.subarray(0, at)),
      ...decoder.push(conversation.subarray(at)),
    ];
    assert.deepEqual(readable(frames), expected, `split at ${at}`);
  }
});

test("a conversation that comes byte by byte decodes to the same frames", () => {
  const decoder = new FrameDecoder();
  const frames = [...conversation].flatMap((byte) => decoder.push(Buffer.of(byte)));
  assert.deepEqual(readable(frames), expected);
});

test("a data frame of 16 MiB is passed on in parts and never collected", () => {
  const decoder = new FrameDecoder();
  decoder.push(encodeDataHead(1, 0xffffff, true));
  const part = new Uint8Array(65_536);
  let total = 0;
  for (let left = 0xffffff; left > 0; left -= part.length) {
    const bytes = part.subarray(0, Math.min(part.length, left));
    const [frame] = decoder.push(bytes);
    assert.ok(frame?.type === "data" && frame.bytes.length === bytes.length);
    total += frame.bytes.length;
    assert.equal(frame.fin, total === 0xffffff);
  }
});

test("a control frame at the length limit is taken, one byte more is refused by its head alone", () => {
  const atLimit = encodeSynReply(1, Buffer.alloc(maxControlLength - 4));
  assert.equal(new FrameDecoder().push(atLimit).length, 1);
  const beyond = encodeSynReply(1, Buffer.alloc(maxControlLength - 3)).subarray(0, 8);
  assert.throws(() => new FrameDecoder().push(beyond), { code: "SPDY_FRAME_TOO_LONG" });
});

const word = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

for (const [what, bytes, code] of [
  ["another version", Buffer.from("8002000600000004", "hex"), "SPDY_VERSION"],
  ["type 0", encodeControl(0, 0, []), "SPDY_FRAME_TYPE"],
  ["type 5", encodeControl(5, 0, []), "SPDY_FRAME_TYPE"],
  ["type 10", encodeControl(10, 0, []), "SPDY_FRAME_TYPE"],
  ["data for stream 0", encodeDataHead(0, 0, false), "SPDY_STREAM_ID"],
  ["SYN_STREAM for stream 0", encodeSynStream(0, block), "SPDY_STREAM_ID"],
  ["SYN_STREAM of 9 bytes", encodeControl(controlType.synStream, 0, [Buffer.alloc(9)]), "SPDY_FRAME_LENGTH"],
  ["SYN_REPLY of 3 bytes", encodeControl(controlType.synReply, 0, [Buffer.alloc(3)]), "SPDY_FRAME_LENGTH"],
  ["RST_STREAM with status 0", encodeRstStream(1, 0), "SPDY_RST_STATUS"],
  ["RST_STREAM of 9 bytes", encodeControl(controlType.rstStream, 0, [Buffer.alloc(9)]), "SPDY_FRAME_LENGTH"],
  ["PING 0", encodePing(0), "SPDY_PING_ID"],
  ["PING of 5 bytes", encodeControl(controlType.ping, 0, [Buffer.alloc(5)]), "SPDY_FRAME_LENGTH"],
  ["GOAWAY of 4 bytes", encodeControl(controlType.goAway, 0, [Buffer.alloc(4)]), "SPDY_FRAME_LENGTH"],
  [
    "SETTINGS of 2^32-1 entries",
    encodeControl(controlType.settings, 0, [word(0xffffffff)]),
    "SPDY_FRAME_LENGTH",
  ],
  [
    "SETTINGS with half an entry",
    encodeControl(controlType.settings, 0, [word(1), Buffer.alloc(4)]),
    "SPDY_FRAME_LENGTH",
  ],
] as const) {
  test(`${what} ends the stream with ${code}`, () => {
    assert.throws(
      () => new FrameDecoder().push(bytes),
      (error) => error instanceof ProtocolError && error.code === code,
    );
  });
}

test("any bytes decode or end with a ProtocolError", () => {
  const start = fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from("80030001", "hex"),
    Buffer.from("80030004", "hex"),
  );
  fc.assert(
    fc.property(start, fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (head, chunks) => {
      const decoder = new FrameDecoder();
      try {
        for (const chunk of [head, ...chunks]) decoder.push(chunk);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2_000, seed: 31 },
  );
});
