import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { PtyBoard, SerialTestBed } from "./serial-test-bed.ts";

const onLinux = { skip: process.platform === "linux" ? false : "needs ptys of Linux" };

test("messages and text pass over a pty unchanged", onLinux, async () => {
  await using board = new PtyBoard("echo");
  await using bed = await SerialTestBed.start(`pty:${await board.plug()}`);
  const opened = await bed.opened();
  // A message begins with the head of an array.
  const everyByte = new Uint8Array(1_024).map((_, index) => (0x80 + index) & 0xff);
  for (let index = 0; index < 8; index++) opened.channel.send(everyByte);
  opened.channel.writeConsole?.(Buffer.from("\r\x03\x04\x11\x13 end"));
  await until("all has come back", () => opened.messages.length === 8 && opened.text.endsWith("end"));
  assert.equal(
    opened.messages.every((message) => Buffer.from(message).equals(everyByte)),
    true,
  );
  assert.equal(opened.text, "\r\x03\x04\x11\x13 end");
});

test(
  "50 boards that hang up while they send are each noticed, at no cost of processor or descriptors",
  onLinux,
  async () => {
    await using board = new PtyBoard("flood");
    await using bed = await SerialTestBed.start();
    const lives = 50;
    let descriptors = 0;
    const noticedMs: number[] = [];
    let path = await board.plug();
    for (let life = 0; life < lives; life++) {
      bed.want(`pty:${path}`);
      const opened = await bed.opened(life);
      await until("it sends", () => opened.text.length > 0);
      const hungUpMs = performance.now();
      path = await board.plug();
      await until(`hang-up ${life} is noticed`, () => opened.closedFor !== undefined);
      noticedMs.push(performance.now() - hungUpMs);
      bed.want();
      if (life === 1) descriptors = readdirSync("/proc/self/fd").length;
    }
    // Not the slowest: each goes through another process, which a busy machine may hold up.
    const medianMs = noticedMs.sort((a, b) => a - b)[lives / 2] ?? Number.NaN;
    assert.ok(medianMs < 500, `median ${medianMs} ms`);
    assert.equal(await bed.metrics.valueOf("motelet_serial_open_ports"), 0);
    await until("the descriptors are closed", () => readdirSync("/proc/self/fd").length <= descriptors + 2);
    // The engine may still be tidying up; who spins never comes to rest.
    await until("less than half of 200 ms is used", async () => {
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { user, system } = process.cpuUsage(before);
      return user + system < 100_000;
    });
  },
);

test("a board that is killed while it sends is noticed", onLinux, async () => {
  for (let round = 0; round < 5; round++) {
    await using board = new PtyBoard("flood");
    await using bed = await SerialTestBed.start(`pty:${await board.plug()}`);
    const opened = await bed.opened();
    await until("it sends", () => opened.text.length > 0);
    board.kill();
    await until("it is noticed", () => opened.closedFor !== undefined);
  }
});

test("two sides that both say much before they listen do not block each other", onLinux, async () => {
  await using board = new PtyBoard("chatty");
  await using bed = await SerialTestBed.start(`pty:${await board.plug()}`);
  const opened = await bed.opened();
  const chunk = Buffer.alloc(4_096, "y");
  // Full are the system's buffer and ours when a while brings no more room.
  let sent = 0;
  for (let before = -1; before < sent; ) {
    before = sent;
    while (opened.channel.writeConsole?.(chunk)) sent += chunk.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  board.talk();
  await until("all of it is heard", () => opened.text.length === 200_000);
  let read = 0;
  while (read < sent) read += Number(await board.line());
  assert.equal(read, sent);
});

test("a tty keeps DTR when it is closed, and is ours alone", onLinux, async () => {
  await using board = new PtyBoard("echo");
  const path = await board.plug();
  execFileSync("stty", ["-F", path, "hupcl"]);
  await using bed = await SerialTestBed.start(path);
  await bed.opened();
  assert.match(execFileSync("stty", ["-a", "-F", path], { encoding: "utf8" }), / -hupcl/);
  await using rival = await SerialTestBed.start(path);
  await until("the rival is refused", () => rival.logLines().length > 0);
  assert.match(rival.logLines()[0]?.err ?? "", /lock/i);
  assert.equal(rival.channels.length, 0);
});
