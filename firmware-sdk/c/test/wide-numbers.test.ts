import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { commands, decodeMessage, encodeMessage, type Message } from "@motelet/profiles";
import { Driver } from "./driver.ts";

let driver: Driver;
before(async () => {
  driver = await Driver.start(1024);
});
after(() => driver[Symbol.asyncDispose]());

/** What the device sends on one input, and for how long it waits then. */
async function step(request: string): Promise<{ sent: Message[]; waitMs: number }> {
  const lines = await driver.askBlock(request, "wait");
  const sent = lines
    .filter((line) => line.startsWith("send "))
    .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message);
  return { sent, waitMs: Number(lines.at(-1)?.slice(5)) };
}
const receive = (at: number, message: Message) =>
  step(`receive ${at} ${Buffer.from(encodeMessage(message)).toString("hex")}`);
const kinds = ({ sent }: { sent: readonly Message[] }) => sent.map(({ kind }) => kind);

/** A device that was greeted at 10 ms, and what it did then. */
async function join(heartbeatS: number) {
  await driver.ask("session 1 65535 500 0 0 0");
  await step("open 0");
  return await receive(10, {
    kind: "welcome",
    attempt: 1,
    sid: 7,
    streamsKept: false,
    time: { s: 0, ms: 0 },
    heartbeatS,
    rtoMs: 500,
    reportWindow: 4,
    storedSeq: 0,
  });
}

for (const seconds of [1, 32, 33, 65, 66, 65_535]) {
  test(`with a heartbeat of ${seconds} s a beat comes each ${seconds} s, and a hello after three in which nothing came`, async () => {
    const heartbeatMs = seconds * 1000;
    const joined = await join(seconds);
    assert.deepEqual(kinds(joined), ["beat"]);
    assert.equal(joined.waitMs, heartbeatMs);
    for (const beat of [1, 2]) {
      assert.deepEqual(kinds(await step(`tick ${10 + beat * heartbeatMs - 1}`)), []);
      assert.deepEqual(kinds(await step(`tick ${10 + beat * heartbeatMs}`)), ["beat"]);
    }
    assert.deepEqual(kinds(await step(`tick ${10 + 3 * heartbeatMs - 1}`)), []);
    assert.deepEqual(kinds(await step(`tick ${10 + 3 * heartbeatMs}`)), ["hello"]);
  });

  test(`a pause of ${seconds} s that a bye asks for, and a sleep of ${seconds} s, take so long`, async () => {
    const ms = seconds * 1000;
    await join(65_535);
    assert.equal((await receive(20, { kind: "bye", reason: 0, seconds })).waitMs, ms);
    assert.deepEqual(kinds(await step(`tick ${20 + ms - 1}`)), []);
    assert.deepEqual(kinds(await step(`tick ${20 + ms}`)), ["hello"]);

    await join(65_535);
    const argv = ["sleep", String(seconds)];
    await receive(20, { kind: "request", id: 1, op: commands.exec.op, args: [1, 0, 0, argv] });
    const withoutBeats = (kind: string) => kind !== "beat";
    assert.deepEqual(kinds(await step(`tick ${20 + ms - 1}`)).filter(withoutBeats), []);
    assert.deepEqual(kinds(await step(`tick ${20 + ms}`)).filter(withoutBeats), ["data"]);
  });
}

/** The bytes that come on stream 1 from what a request starts, up to its end. */
async function transfer(op: number, args: readonly unknown[]): Promise<Buffer> {
  await driver.ask("large 65537");
  await join(65_535);
  let { sent } = await receive(20, { kind: "request", id: 1, op, args } as Message);
  const parts: Uint8Array[] = [];
  let isEnd = false;
  for (let next = 0; !isEnd; ) {
    const [response, ...data] = sent;
    if (next === 0) assert.ok(response?.kind === "response" && response.status === 0);
    for (const message of next === 0 ? data : sent) {
      if (message.kind !== "data" || message.offset !== next % 65_536) continue;
      parts.push(message.bytes);
      next += message.bytes.length;
      isEnd = message.end !== undefined;
    }
    if (isEnd) break;
    ({ sent } = await receive(20, { kind: "credit", stream: 1, next: next % 65_536, window: 512 }));
    assert.ok(sent.length > 0, `it does not go on after ${next} bytes`);
  }
  await driver.ask("large 0");
  return Buffer.concat(parts);
}

const large = Buffer.from(Array.from({ length: 65_537 }, (_, at) => at % 251));

test("a file of 65,537 bytes is read whole", async () => {
  assert.ok((await transfer(commands.fileRead.op, [1, 0, "/large"])).equals(large));
});

test("cat prints a file of 65,537 bytes whole", async () => {
  assert.ok((await transfer(commands.exec.op, [1, 0, 0, ["cat", "/large"]])).equals(large));
});
