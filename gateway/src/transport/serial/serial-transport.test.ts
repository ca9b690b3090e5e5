import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeFrame } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { LoopTime } from "../../../test/fakes/loop-time.ts";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { SerialTestBed, SocketBoard } from "./serial-test-bed.ts";

test("messages and console text pass both ways over a Unix socket", async () => {
  await using bed = await SerialTestBed.start();
  await using board = await SocketBoard.listen(bed.path("lamp"));
  bed.want(`unix:${bed.path("lamp")}`);
  const opened = await bed.opened();
  const { channel } = opened;
  assert.deepEqual(channel.identity, { kind: "port", port: `unix:${bed.path("lamp")}` });
  await until("the board is connected", () => board.sockets.length === 1);

  board.write(Buffer.concat([Buffer.from("hi\n"), encodeFrame(Uint8Array.of(0x82, 1, 2))]));
  await until("the message has come", () => opened.messages.length === 1);
  assert.deepEqual([...(opened.messages[0] as Uint8Array)], [0x82, 1, 2]);
  assert.equal(opened.text, "hi\n");

  assert.equal(channel.send(Uint8Array.of(4, 1)), true);
  assert.equal(channel.writeConsole?.(Buffer.from("help\n")), true);
  const expected = Buffer.concat([encodeFrame(Uint8Array.of(4, 1)), Buffer.from("help\n")]);
  await until("both have arrived", () => board.received.length >= expected.length);
  assert.deepEqual(board.received, expected);
});

test("a TCP port works likewise", async () => {
  await using board = await SocketBoard.listen(0);
  await using bed = await SerialTestBed.start(`tcp:127.0.0.1:${board.tcpPort}`);
  const { channel } = await bed.opened();
  const big = new Uint8Array(1_024).map((_, index) => (0x80 + index) & 0xff);
  assert.equal(channel.send(big), true);
  await until("it has arrived", () => board.received.length === encodeFrame(big).length);
  await until("the board is connected", () => board.sockets.length === 1);
  board.write(board.received);
  await until("it has come back", () => bed.channels[0]?.messages.length === 1);
  assert.deepEqual(bed.channels[0]?.messages[0], big);
});

/** Waits until the port has failed so often, and waits for its next attempt. */
async function failed(bed: SerialTestBed, times: number): Promise<void> {
  await until(`it has failed ${times} times`, async () => {
    return (await bed.metrics.valueOf("motelet_serial_failures_total")) === times;
  });
  await new Promise((resolve) => setImmediate(resolve));
}

test("a board that does not exist yet is found within a second of its birth, and waited for in silence", async () => {
  const clock = new ManualClock();
  await using bed = await SerialTestBed.startOn(clock);
  bed.want(`unix:${bed.path("lamp")}`);
  for (let attempt = 1; attempt <= 8; attempt++) {
    if (attempt > 1) clock.advance(1_000);
    await failed(bed, attempt);
  }
  await using board = await SocketBoard.listen(bed.path("lamp"));
  clock.advance(1_000);
  await bed.opened();
  const lines = bed.logLines();
  assert.deepEqual(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    ["warn serial port cannot be opened yet", "info serial port opened"],
  );
  assert.match(lines[0]?.err ?? "", /ENOENT/);
  assert.equal(lines[0]?.port, `unix:${bed.path("lamp")}`);
  await until("the board is connected", () => board.sockets.length === 1);
});

test("a board that dies and returns has a new channel within a second, time after time", async () => {
  const clock = new ManualClock();
  await using bed = await SerialTestBed.startOn(clock);
  bed.want(`unix:${bed.path("lamp")}`);
  for (let life = 0; life < 3; life++) {
    // Once it was not there at first, and then each of its deaths.
    await failed(bed, 1 + life);
    const board = await SocketBoard.listen(bed.path("lamp"));
    clock.advance(1_000);
    const opened = await bed.opened(life);
    await until("the board is connected", () => board.sockets.length === 1);
    await board[Symbol.asyncDispose]();
    await until("its channel is closed", () => opened.closedFor !== undefined);
    assert.equal(opened.channel.send(Uint8Array.of(1)), false);
  }
  assert.equal(await bed.metrics.valueOf("motelet_serial_open_ports"), 0);
  assert.equal(await bed.metrics.valueOf("motelet_serial_failures_total", { reason: "lost" }), 3);
});

test("a peer that closes each connection at once is not hammered", async () => {
  await using bed = await SerialTestBed.start();
  await using board = await SocketBoard.listen(bed.path("lamp"));
  using closing = setInterval(() => {
    for (const socket of board.sockets) socket.destroy();
  }, 5);
  bed.want(`unix:${bed.path("lamp")}`);
  // 50 + 100 + 200 + 400 ms lie before the fifth connection.
  const startedMs = performance.now();
  await bed.opened(4);
  clearInterval(closing);
  assert.equal(performance.now() - startedMs >= 740, true);
});

test("a session that closes its channel gets a new one", async () => {
  await using bed = await SerialTestBed.start();
  await using _board = await SocketBoard.listen(bed.path("lamp"));
  bed.want(`unix:${bed.path("lamp")}`);
  const first = await bed.opened();
  first.channel.close("tired");
  await bed.opened(1);
  assert.equal(first.closedFor, "tired");
});

test("a port that is no longer wanted is closed, and opened again when it is", async () => {
  await using bed = await SerialTestBed.start();
  await using board = await SocketBoard.listen(bed.path("lamp"));
  const port = `unix:${bed.path("lamp")}`;
  bed.want(port);
  const first = await bed.opened();
  bed.want();
  await until("it is closed", () => first.closedFor === "no longer wanted");
  bed.want(port, port);
  await bed.opened(1);
  bed.want();
  bed.want(port);
  await bed.opened(2);
  await until(
    "one connection is left",
    () => board.sockets.filter((socket) => !socket.destroyed).length === 1,
  );
  assert.equal(bed.channels.filter(({ closedFor }) => closedFor === undefined).length, 1);
});

test("a port that cannot be is said once, and the others go on", async () => {
  await using bed = await SerialTestBed.start();
  await using _board = await SocketBoard.listen(bed.path("lamp"));
  bed.want("usb:303a:1001", `unix:${bed.path("lamp")}`);
  await bed.opened();
  bed.want("usb:303a:1001", "COM3", `unix:${bed.path("lamp")}`);
  const warnings = bed.logLines().filter(({ level }) => level === "warn");
  assert.deepEqual(
    warnings.map(({ code, port }) => [code, port]),
    [
      ["PORT_UNSUPPORTED", "usb:303a:1001"],
      ["PORT_SYNTAX", "COM3"],
    ],
  );
  assert.equal(await bed.metrics.valueOf("motelet_serial_failures_total", { reason: "selector" }), 2);
});

test("a port that the operator did not name is not opened, the others are", async () => {
  await using bed = await SerialTestBed.startAllowing(`unix:${join(tmpdir(), "serial-")}*`);
  await using _board = await SocketBoard.listen(bed.path("lamp"));
  bed.want("tcp:127.0.0.1:22", `unix:${bed.path("lamp")}`);
  await bed.opened();
  const warnings = bed.logLines().filter(({ level }) => level === "warn");
  assert.deepEqual(
    warnings.map(({ code, port }) => [code, port]),
    [["PORT_NOT_ALLOWED", "tcp:127.0.0.1:22"]],
  );
});

test("disposal lets the last message leave, closes every channel, and ends attempts that still wait", async () => {
  await using bed = await SerialTestBed.start();
  await using board = await SocketBoard.listen(bed.path("lamp"));
  bed.want(`unix:${bed.path("lamp")}`, `unix:${bed.path("absent")}`, "tcp:192.0.2.1:9");
  const opened = await bed.opened();
  opened.channel.send(Uint8Array.of(4, 0));
  using time = new LoopTime();
  await bed.stopTransport();
  assert.ok(time.ms < 1_000, `${time.ms} ms`);
  await until("it has arrived", () => board.received.equals(encodeFrame(Uint8Array.of(4, 0))));
  assert.equal(opened.closedFor, "gateway stops");
  bed.want(`unix:${bed.path("lamp")}`);
  assert.equal(bed.channels.length, 1);
});

test("a board that does not read holds up nothing: what is over the buffer is dropped", async () => {
  await using bed = await SerialTestBed.start();
  await using board = await SocketBoard.listen(bed.path("lamp"));
  bed.want(`unix:${bed.path("lamp")}`);
  const { channel } = await bed.opened();
  await until("the board is connected", () => board.sockets.length === 1);
  board.sockets[0]?.pause();
  const message = new Uint8Array(1_024).fill(7);
  let sent = 0;
  while (channel.send(message)) {
    // The system's own buffers take some hundred kilobytes.
    if (++sent % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sent < 10_000, true);
  }
  assert.equal(await bed.metrics.valueOf("motelet_serial_dropped_total"), 1);
  using time = new LoopTime();
  await bed.stopTransport();
  assert.ok(time.ms < 1_000, `${time.ms} ms`);
});
