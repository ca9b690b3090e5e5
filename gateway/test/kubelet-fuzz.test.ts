import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeControl, encodeDataHead } from "../src/streaming/spdy/frame.ts";
import { HeaderBlockEncoder } from "../src/streaming/spdy/header-block.ts";
import { KubeletWithoutSockets } from "./fakes/kubelet-without-sockets.ts";
import { liveBytes } from "./fakes/live-memory.ts";
import { hostileBytes, splits } from "./fakes/mutations.ts";

const isSoak = Boolean(process.env.MOTELET_SOAK);
/** For each way in; of SPDY and of WebSocket a million in all. */
const frames = isSoak ? { many: 700_000, some: 150_000 } : { many: 2_000, some: 1_200 };
const framesEach = 8;
const options = { timeout: 3_600_000 };
/** A failure names the path that leads to it again. */
const seed = 20_261_121;

/** Runs a tenth to warm up, then all; what is alive afterwards must be what was alive before. */
async function assertFlat(runs: number, run: (runs: number) => Promise<void>): Promise<void> {
  await run(Math.ceil(runs / 10));
  const heldBytes = await liveBytes();
  await run(runs);
  const grownPercent = (100 * ((await liveBytes()) - heldBytes)) / heldBytes;
  assert.ok(grownPercent < 10, `live memory has grown by ${grownPercent.toFixed(1)} %`);
}

/** What a client may say over SPDY; the header blocks of a conversation share a stream, so they are encoded in order. */
type SpdyPart =
  | { readonly kind: "open"; readonly id: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "data"; readonly id: number; readonly bytes: Uint8Array; readonly fin: boolean }
  | { readonly kind: "control"; readonly type: number; readonly payload: Uint8Array };

const streamId = fc.constantFrom(1, 3, 5, 7, 9, 11, 2, 0x7fffffff);
const small = fc.uint8Array({ maxLength: 40 });
/** Seldom more than a stream holds unread. */
const payload = fc.oneof(
  { arbitrary: small, weight: 30 },
  { arbitrary: fc.constant<Uint8Array>(Buffer.from('{"Width":80,"Height":24}')), weight: 9 },
  { arbitrary: fc.constant(new Uint8Array(70_000)), weight: 1 },
);

const openingPart = (headers: fc.Arbitrary<Record<string, string>>): fc.Arbitrary<SpdyPart> =>
  fc.record({ kind: fc.constant("open" as const), id: streamId, headers });
const execHeaders = fc.record({
  streamtype: fc.constantFrom("error", "stdin", "stdout", "stderr", "resize", "nosuch"),
});
const forwardHeaders = fc.record({
  streamtype: fc.constantFrom("error", "data", "error", "data", "nosuch"),
  port: fc.constantFrom("7", "9", "13", "80", "0", "65536", "x"),
  requestid: fc.constantFrom("1", "2", ""),
});
const dataPart: fc.Arbitrary<SpdyPart> = fc.record({
  kind: fc.constant("data" as const),
  id: streamId,
  bytes: payload,
  fin: fc.boolean(),
});
const controlPart: fc.Arbitrary<SpdyPart> = fc.record({
  kind: fc.constant("control" as const),
  // RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE, and what there is not.
  type: fc.constantFrom(3, 4, 6, 7, 8, 9, 5, 10, 0xffff),
  payload: fc.oneof(
    fc.constantFrom(
      Buffer.from("00000001", "hex"),
      Buffer.from("0000000100000005", "hex"),
      Buffer.from("00000000", "hex"),
    ),
    small,
  ),
});

/** Mostly streams in kubectl's order, so that a session begins, and then whatever. */
function spdyConversation(
  begin: readonly Readonly<Record<string, string>>[],
  headers: fc.Arbitrary<Record<string, string>>,
): fc.Arbitrary<Uint8Array> {
  const encoder = new HeaderBlockEncoder();
  const opening = begin.map((given, index) => encodeOpening(2 * index + 1, given, encoder));
  const part = fc.oneof(openingPart(headers), dataPart, dataPart, controlPart);
  const rest = fc
    .array(part, { minLength: framesEach - begin.length, maxLength: framesEach })
    .map((parts) => encodeSpdy(parts, encoder));
  return fc
    .tuple(fc.constantFrom(true, true, true, false), hostileBytes(rest))
    .map(([begins, bytes]) => Buffer.concat([...(begins ? opening : []), bytes]));
}

/** @param encoder that has begun, so that the blocks go on where the opening has left off */
function encodeSpdy(parts: readonly SpdyPart[], encoder: HeaderBlockEncoder): Uint8Array {
  return Buffer.concat(
    parts.flatMap((part): Uint8Array[] => {
      if (part.kind === "data") return [encodeDataHead(part.id, part.bytes.length, part.fin), part.bytes];
      if (part.kind === "control") return [encodeControl(part.type, 0, [part.payload])];
      return [encodeOpening(part.id, part.headers, encoder)];
    }),
  );
}

function encodeOpening(
  streamId: number,
  headers: Readonly<Record<string, string>>,
  encoder: HeaderBlockEncoder,
): Buffer {
  const id = Buffer.alloc(10);
  id.writeUInt32BE(streamId);
  return encodeControl(1, 0, [id, encoder.encode(new Map(Object.entries(headers)))]);
}

/** Frames of a client's WebSocket. */
const frame = fc
  .record({
    first: fc.constantFrom(0x82, 0x82, 0x82, 0x81, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88, 0xc2, 0x83),
    channel: fc.constantFrom([0], [4], [3], [9], [255, 0], [255, 9], [255], [], [0x30], [0x34]),
    payload,
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    isMasked: fc.integer({ max: 20, min: 0 }).map((dice) => dice > 0),
  })
  .map(({ first, channel, payload, mask, isMasked }) =>
    encodeWebSocketFrame(first, Buffer.concat([Buffer.from(channel), payload]), isMasked ? mask : undefined),
  );

function encodeWebSocketFrame(first: number, payload: Uint8Array, mask: Uint8Array | undefined): Buffer {
  const bit = mask ? 0x80 : 0;
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.of(first, bit | length)
      : length < 65_536
        ? Buffer.of(first, bit | 126, length >> 8, length & 0xff)
        : Buffer.of(first, bit | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff);
  if (!mask) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

const webSocketConversation = hostileBytes(
  fc.array(frame, { minLength: framesEach, maxLength: framesEach }).map((all) => Buffer.concat(all)),
);

const spdy = (protocol: string) => ({
  connection: "Upgrade",
  upgrade: "SPDY/3.1",
  "x-stream-protocol-version": protocol,
});
const webSocket = (protocol: string) => ({
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
  "sec-websocket-protocol": protocol,
});

const execPath = "/exec/default/lamp/device?command=cat&input=1&output=1&tty=1";
const forwardPath = "/portForward/default/lamp";
const execStreams = ["error", "stdin", "stdout", "resize"].map((streamtype) => ({ streamtype }));
const forwardStreams = ["error", "data"].map((streamtype) => ({ streamtype, port: "7", requestid: "1" }));

for (const [what, count, path, headers, conversation] of [
  [
    "exec over SPDY",
    frames.many,
    execPath,
    spdy("v4.channel.k8s.io"),
    spdyConversation(execStreams, execHeaders),
  ],
  [
    "port-forward over SPDY",
    frames.many,
    forwardPath,
    spdy("portforward.k8s.io"),
    spdyConversation(forwardStreams, forwardHeaders),
  ],
  ["exec over WebSocket v5", frames.many, execPath, webSocket("v5.channel.k8s.io"), webSocketConversation],
  [
    "exec over WebSocket in base64",
    frames.some,
    execPath,
    webSocket("base64.channel.k8s.io"),
    webSocketConversation,
  ],
  [
    "port-forward through a tunnel",
    frames.some,
    forwardPath,
    webSocket("SPDY/3.1+portforward.k8s.io"),
    webSocketConversation,
  ],
  [
    "port-forward over channels",
    frames.some,
    `${forwardPath}?port=7,9`,
    webSocket("v4.channel.k8s.io"),
    webSocketConversation,
  ],
] as const) {
  test(`${what}: whatever comes, each connection ends and leaves nothing`, options, async () => {
    const kubelet = new KubeletWithoutSockets();
    const property = fc.asyncProperty(
      conversation,
      fc.array(fc.nat(), { maxLength: 2 }),
      async (bytes, cuts) => {
        await kubelet.converse(path, headers, splits(bytes, cuts));
        assert.equal(kubelet.exec.open, 0);
        assert.equal(kubelet.dial.open, 0);
      },
    );
    const runs = Math.ceil(count / framesEach);
    await assertFlat(runs, (numRuns) => fc.assert(property, { seed, numRuns }));
    assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_open_streams"), 0);
    assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_open_port_forwards"), 0);
    // Otherwise this would have tested the first byte only.
    if (what !== "port-forward through a tunnel") assert.ok(kubelet.begun > runs / 4, String(kubelet.begun));
    assert.ok((await kubelet.metrics.valueOf("motelet_kubelet_protocol_errors_total")) > 0);
  });
}
