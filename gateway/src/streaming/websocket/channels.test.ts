import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import type { TimeoutReason } from "../idle-timer.ts";
import { maxUnreadBytes } from "../receive-buffer.ts";
import { defaultChannelLimits, WebSocketChannels } from "./channels.ts";
import { acceptWebSocket, webSocketLimits } from "./handshake.ts";

const deadline = { timeout: 60_000 };
const { idleTimeoutMs, stallTimeoutMs, probeMs, lingerMs } = defaultChannelLimits;

/** Two channels on a WebSocket whose client writes frames by itself. */
async function opened() {
  const clock = new ManualClock();
  const [client, socket] = duplexPair();
  client.resume();
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  };
  const request = { method: "GET", headers } as unknown as IncomingMessage;
  const accepted = await acceptWebSocket({ request, socket, head: new Uint8Array(0) }, "v5.channel.k8s.io");
  const timeouts: TimeoutReason[] = [];
  const errors: string[] = [];
  const channels = new WebSocketChannels(accepted, {
    clock,
    count: 2,
    readable: new Set([0]),
    base64: false,
    halfClose: true,
    probeChannel: 1,
    onProtocolError: (error) => errors.push(error.code),
    onTimeout: (reason) => timeouts.push(reason),
  });
  let isClosed = false;
  void channels.closed.then(() => {
    isClosed = true;
  });
  return {
    clock,
    channels,
    timeouts,
    errors,
    client,
    /** Sends a message of channel 0 whose bytes come one by one. */
    async sendInChunks(chunks: number) {
      const head = Buffer.alloc(8);
      head[0] = 0x82;
      head[1] = 0xfe;
      head.writeUInt16BE(chunks, 2);
      client.write(head);
      await turn();
      for (let sent = 0; sent < chunks; sent++) {
        client.write(Buffer.alloc(1));
        await turn();
      }
      await turn();
    },
    /** Sends a message of channel 0, masked with zeros, and lets it be read. */
    async send(bytes: number) {
      const head = Buffer.alloc(15);
      head[0] = 0x82;
      head[1] = 0xff;
      head.writeBigUInt64BE(BigInt(bytes + 1), 2);
      client.write(Buffer.concat([head, Buffer.alloc(bytes, 7)]));
      for (let turns = 0; turns < 20; turns++) await turn();
    },
    isClosed: async () => {
      for (let turns = 0; turns < 20; turns++) await turn();
      return isClosed;
    },
  };
}

test(
  "without a word of either side a WebSocket ends after the idle timeout, a message starts it again",
  deadline,
  async () => {
    const { clock, timeouts, send, isClosed } = await opened();
    clock.advance(idleTimeoutMs - 1);
    await send(1);
    clock.advance(idleTimeoutMs - 1);
    assert.equal(await isClosed(), false);
    clock.advance(1);
    assert.equal(await isClosed(), true);
    assert.deepEqual(timeouts, ["IDLE_TIMEOUT"]);
  },
);

test(
  "input that nobody takes ends a WebSocket after the stall timeout, and not before",
  deadline,
  async () => {
    const { clock, timeouts, send, isClosed } = await opened();
    await send(maxUnreadBytes + 1);
    clock.advance(stallTimeoutMs - probeMs);
    assert.equal(await isClosed(), false);
    clock.advance(probeMs);
    assert.equal(await isClosed(), true);
    assert.deepEqual(timeouts, ["STALLED"]);
  },
);

test("input that is taken, however slowly, ends nothing", deadline, async () => {
  const { clock, channels, timeouts, errors, send, isClosed } = await opened();
  const input = channels.channel(0).input();
  for (let times = 0; times < 4; times++) {
    await send(maxUnreadBytes + 1);
    clock.advance(stallTimeoutMs - probeMs);
    assert.equal((await input.next()).value?.length, maxUnreadBytes + 1);
  }
  assert.equal(await isClosed(), false);
  assert.deepEqual([timeouts, errors], [[], []]);
});

test("a frame in as many chunks as allowed is taken, in one more ends the connection", deadline, async () => {
  for (const [chunks, isTaken] of [
    [webSocketLimits.chunks, true],
    [webSocketLimits.chunks + 1, false],
  ] as const) {
    const { channels, errors, sendInChunks, client } = await opened();
    const input = channels.channel(0).input();
    await sendInChunks(chunks);
    if (isTaken) assert.equal((await input.next()).value?.length, chunks - 1);
    assert.deepEqual(errors, isTaken ? [] : ["WS_ERR_TOO_MANY_BUFFERED_PARTS"]);
    client.destroy();
  }
});

for (const [what, frame, code] of [
  ["breaks the protocol", "8200", ["WS_ERR_EXPECTED_MASK"]],
  ["says close", "888000000000", []],
] as const) {
  test(`a client that ${what} and stays is let go after a while`, deadline, async () => {
    const { clock, channels, errors, client, isClosed } = await opened();
    const input = channels.channel(0).input();
    client.write(Buffer.from(frame, "hex"));
    assert.equal(await isClosed(), false);
    assert.deepEqual(errors, code);
    clock.advance(lingerMs - 1);
    assert.equal(await isClosed(), false);
    clock.advance(1);
    assert.equal(await isClosed(), true);
    await assert.rejects(input.next(), { code: "CONNECTION_LOST" });
  });
}
