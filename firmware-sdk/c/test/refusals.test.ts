import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { commands, decodeMessage, encodeMessage, type Message } from "@motelet/profiles";
import { Driver } from "./driver.ts";

let driver: Driver;
before(async () => {
  driver = await Driver.start(1024);
});
after(() => driver[Symbol.asyncDispose]());

const welcome: Message = {
  kind: "welcome",
  attempt: 1,
  sid: 7,
  streamsKept: false,
  time: { s: 0, ms: 0 },
  heartbeatS: 65_535,
  rtoMs: 500,
  reportWindow: 4,
  storedSeq: 0,
};

/** What a fresh device prints for a command, and its exit code; undefined: it is still running. */
async function run(...argv: string[]): Promise<[string, number | undefined]> {
  const receive = async (message: Message) => {
    const hex = Buffer.from(encodeMessage(message)).toString("hex");
    const lines = await driver.askBlock(`receive 10 ${hex}`, "wait");
    return lines
      .filter((line) => line.startsWith("send "))
      .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message);
  };
  await driver.ask("session 1 65535 500 0 0 0");
  await driver.askBlock("open 0", "wait");
  await receive(welcome);
  const request: Message = { kind: "request", id: 1, op: commands.exec.op, args: [1, 0, 0, argv] };
  let sent = await receive(request);
  let text = "";
  let exitCode: number | undefined;
  for (let next = 0; ; ) {
    const credit: Message = { kind: "credit", stream: 1, next, window: 4096 };
    sent = [...sent, ...(await receive(credit))];
    const data = sent.filter((message) => message.kind === "data");
    if (data.length === 0) return [text, exitCode];
    for (const { offset, bytes, end } of data) {
      if (offset !== next) continue;
      text += Buffer.from(bytes).toString();
      next += bytes.length + (end ? 1 : 0);
      exitCode = end?.exitCode;
    }
    if (exitCode !== undefined) return [text, exitCode];
    sent = [];
  }
}

test("set takes values of as many bytes as the setting has, and names that number for one more", async () => {
  const widths = { one: 1, nine: 9, ten: 10, prompt: 16, hundred: 100, widest: 255 };
  for (const [name, max] of Object.entries(widths)) {
    assert.deepEqual(await run("set", name, "x"), ["", 0], `${name}: the shortest`);
    assert.deepEqual(await run("set", name, "x".repeat(max)), ["", 0], `${name}: the longest`);
    assert.deepEqual(await run("get", name), [`${"x".repeat(max)}\n`, 0]);
    const bytes = max === 1 ? "byte" : "bytes";
    const refusal = `set: ${name}: expected at most ${max} ${bytes}\n`;
    assert.deepEqual(await run("set", name, "x".repeat(max + 1)), [refusal, 1]);
    assert.deepEqual(await run("get", name), [`${"x".repeat(max)}\n`, 0], `${name}: unchanged`);
  }
});

test("a setting without room takes an empty value only", async () => {
  assert.deepEqual(await run("set", "none", ""), ["", 0]);
  assert.deepEqual(await run("set", "none", "x"), ["set: none: expected at most 0 bytes\n", 1]);
});

test("the words of a value and the blanks between them count", async () => {
  assert.deepEqual(await run("set", "nine", "four", "four"), ["", 0]);
  assert.deepEqual(await run("set", "nine", "four", "fours"), ["set: nine: expected at most 9 bytes\n", 1]);
});

test("numbers are taken from the least to the most, and one past it is refused with the usage", async () => {
  const sleep = "sleep: usage: sleep N\n";
  assert.deepEqual(await run("sleep", "0"), ["", 0]);
  assert.deepEqual(await run("sleep", "86400"), ["", undefined]);
  assert.deepEqual(await run("sleep", "86401"), [sleep, 2]);
  assert.deepEqual(await run("sleep", "4294967296"), [sleep, 2]);
  const top = "top: usage: top [-b] [-n N]\n";
  assert.deepEqual(await run("top", "-n", "0"), [top, 2]);
  assert.match((await run("top", "-n", "1"))[0], /main/);
  assert.match((await run("top", "-n", "65535"))[0], /main/);
  assert.deepEqual(await run("top", "-n", "65536"), [top, 2]);
  assert.deepEqual(await run("exit", "255"), ["", 255]);
});
