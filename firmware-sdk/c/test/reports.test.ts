import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Capability, decodeMessage, encodeMessage, type Message } from "@motelet/profiles";
import { Driver, share } from "./driver.ts";

let driver: Driver;
before(async () => {
  driver = await Driver.start(256);
});
after(() => driver[Symbol.asyncDispose]());

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** What the device sends on one input. */
async function step(request: string): Promise<Message[]> {
  const lines = await driver.askBlock(request, "wait");
  return lines
    .filter((line) => line.startsWith("send "))
    .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message);
}
const receive = (at: number, message: Message) => step(`receive ${at} ${hex(encodeMessage(message))}`);
const log = (at: number, text: string | Uint8Array) => step(`log ${at} ${hex(Buffer.from(text))}`);

/** A device with a ring that begins at 0, greeted; the welcome gives this window. */
async function join(reportWindow = 4): Promise<void> {
  await driver.ask(`session 1 ${Capability["log-read"]} 500 77 0 0`);
  await step("open 0");
  await receive(10, welcome(1, reportWindow));
}
const welcome = (attempt: number, reportWindow: number): Message => ({
  kind: "welcome",
  attempt,
  sid: 7,
  streamsKept: false,
  time: { s: 0, ms: 0 },
  heartbeatS: 65_535,
  rtoMs: 500,
  reportWindow,
  storedSeq: 0xffff,
});

function textOf(messages: readonly Message[]): string | undefined {
  const [message] = messages;
  return message?.kind === "report" && message.body.type === "text" ? message.body.text : undefined;
}

test("a text that fills a message with its log-read response is reported whole, one more byte is cut", async () => {
  const max = 256 - 19;
  await join();
  assert.equal(textOf(await log(20, "x".repeat(max))), "x".repeat(max));
  assert.equal(textOf(await log(20, "x".repeat(max + 1))), "x".repeat(max));
  const sent = await receive(70_000, { kind: "request", id: 1, op: 8, args: [1] });
  const response = sent.find((message) => message.kind === "response");
  assert.equal(response?.status, 0);
  assert.equal(response.result[4], "x".repeat(max));
});

test("a text is not cut in the middle of a character", async () => {
  await join();
  assert.equal(textOf(await log(20, `${"x".repeat(235)}€€`)), "x".repeat(235));
});

test("in a text that is not UTF-8 each byte above 7F becomes a question mark", async () => {
  await join();
  assert.equal(textOf(await log(20, Uint8Array.of(0x61, 0xff, 0x62, 0xc3, 0x28))), "a?b?(");
  assert.equal(textOf(await log(20, Uint8Array.of(0xed, 0xa0, 0x80))), "???");
  assert.equal(textOf(await log(20, "")), "");
});

test("reports that were overwritten before they were stored become one gap, and what is left follows it", async () => {
  await join(1);
  // Each takes 8 + 92 of the ring's 512 bytes: five fit.
  for (let i = 0; i < 9; i++) await log(20, String(i).repeat(92));
  const [gap] = await step("tick 520");
  assert.deepEqual(gap, { kind: "report", seq: 0, ageMs: null, body: { type: "gap", count: 4 } });
  assert.equal(textOf(await receive(530, { kind: "ack", storedSeq: 3 })), "4".repeat(92));
});

// On the AVR it takes 20 s, so that only make soak runs it there.
if (share === 1)
  test("before 2^15 reports are unacknowledged the ring begins a new life and the device says hello", async () => {
    await join(1);
    for (let i = 0; i < 0x7fff - 1; i++) await log(20, "");
    const sent = await log(20, "the last straw");
    assert.deepEqual(
      sent.map(({ kind }) => kind),
      ["hello"],
    );
    const [hello] = sent;
    assert.ok(hello?.kind === "hello" && hello.ring);
    assert.notEqual(hello.ring.epoch, 77);
    assert.equal(hello.ring.nextSeq, 0x7fff);
    const stored = (hello.ring.oldestSeq - 1) & 0xffff;
    const [, report] = await receive(30, {
      ...(welcome(2, 1) as Message & { kind: "welcome" }),
      storedSeq: stored,
    });
    assert.ok(report?.kind === "report" && report.seq === hello.ring.oldestSeq);
  });
