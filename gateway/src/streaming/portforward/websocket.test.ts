import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { defaultChannelLimits } from "../websocket/channels.ts";
import { openTunnel } from "./websocket.ts";

const { lingerMs } = defaultChannelLimits;

for (const [what, frame, code] of [
  ["breaks the protocol", "8200", ["WS_ERR_EXPECTED_MASK"]],
  ["says close", "888000000000", []],
] as const) {
  test(`a tunnel whose client ${what} and stays is let go after a while`, { timeout: 60_000 }, async () => {
    const clock = new ManualClock();
    const errors: string[] = [];
    const [client, socket] = duplexPair();
    client.resume();
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
    };
    const request = { method: "GET", headers } as unknown as IncomingMessage;
    const tunnel = await openTunnel(
      { request, socket, head: new Uint8Array(0) },
      { clock, onProtocolError: (error) => errors.push(error.code) },
    );
    tunnel.on("error", () => undefined).resume();
    let isClosed = false;
    // Either ends a SPDY connection on it.
    for (const event of ["end", "close"] as const)
      tunnel.once(event, () => {
        isClosed = true;
      });
    const settle = async () => {
      for (let turns = 0; turns < 20; turns++) await turn();
    };
    client.write(Buffer.from(frame, "hex"));
    await settle();
    clock.advance(lingerMs - 1);
    await settle();
    assert.deepEqual([errors, isClosed], [code, false]);
    clock.advance(1);
    await settle();
    assert.equal(isClosed, true);
  });
}
