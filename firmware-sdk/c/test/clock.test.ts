import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeMessage, encodeMessage } from "@motelet/profiles";
import { Driver } from "./driver.ts";

const heartbeatS = 10;
const welcome = encodeMessage({
  kind: "welcome",
  attempt: 1,
  sid: 7,
  streamsKept: false,
  time: { s: 1_000_000, ms: 0 },
  heartbeatS,
  rtoMs: 500,
  reportWindow: 4,
  storedSeq: 0,
});

let driver: Driver;
before(async () => {
  driver = await Driver.start(256);
});
after(() => driver[Symbol.asyncDispose]());

async function uptimes(request: string): Promise<number[]> {
  const found: number[] = [];
  for (const line of await driver.askBlock(request, "wait")) {
    if (!line.startsWith("send ")) continue;
    const { message } = decodeMessage(Buffer.from(line.slice(5), "hex"));
    if (message.kind === "hello" || message.kind === "beat") found.push(message.uptimeS ?? -1);
  }
  return found;
}
const receive = (at: number, bytes: Uint8Array) =>
  uptimes(`receive ${at} ${Buffer.from(bytes).toString("hex")}`);

test("a clock that goes back by up to a second changes no uptime", async () => {
  for (const back of [1, 999]) {
    await driver.ask("session 1 0 500 77 0 0");
    // Before what the session was initialised with, at 0: modulo 2^32.
    assert.deepEqual(await uptimes(`open ${2 ** 32 - back}`), [0], `back by ${back} ms`);
    await receive(1_000, welcome);
    for (const at of [1_000 - back, 2_000, 2_000 - back]) await uptimes(`tick ${at}`);
    assert.deepEqual(await uptimes("tick 11000"), [11], `back by ${back} ms`);
  }
});
