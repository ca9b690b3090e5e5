import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { waitFor } from "../wait.ts";
import { makeTemporaryFolder } from "../watchdog.ts";
import { type LineFaultRates, LineFaults } from "./line-faults.ts";
import { type LineProxy, startLineProxy } from "./line-proxy.ts";

/** A device that echoes, and a proxy in front of it. */
async function rig(faults: LineFaultRates, seed = 7): Promise<AsyncDisposable & { proxy: LineProxy }> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(makeTemporaryFolder("motelet-line-"));
  const connectPath = path.join(folder.path, "device");
  const device = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  device.listen(connectPath);
  await once(device, "listening");
  stack.defer(() => void device.close());
  const listenPath = path.join(folder.path, "line");
  const proxy = stack.use(await startLineProxy({ listenPath, connectPath, faults, seed }));
  return { proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function open(proxy: LineProxy): { socket: Socket; received: () => Buffer } {
  const socket = connect(proxy.listenPath).on("error", () => {});
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  return { socket, received: () => Buffer.concat(chunks) };
}

test("a line without faults brings every byte both ways", async () => {
  await using line = await rig({});
  const { socket, received } = open(line.proxy);
  const bytes = randomBytes(500_000);
  socket.write(bytes);
  await waitFor(() => received().length === bytes.length, { deadlineMs: 30_000, what: "all bytes" });
  assert.deepEqual(received(), bytes);
  assert.deepEqual(line.proxy.counts.toDevice, { bytes: 500_000, flipped: 0, dropped: 0, duplicated: 0 });
  socket.destroy();
});

test("bytes that wait on the way arrive late and in order", async () => {
  await using line = await rig({ delayMs: 100 });
  const { socket, received } = open(line.proxy);
  const startedMs = performance.now();
  for (let index = 0; index < 50; index++) socket.write(Buffer.alloc(3000, index));
  await waitFor(() => received().length === 150_000, { deadlineMs: 30_000, what: "all bytes" });
  assert.ok(performance.now() - startedMs >= 195, "both ways are delayed");
  assert.deepEqual(
    received(),
    Buffer.concat(Array.from({ length: 50 }, (_, index) => Buffer.alloc(3000, index))),
  );
  socket.destroy();
});

test("a cut closes both ends, and the next connection is served again", async () => {
  await using line = await rig({});
  const first = open(line.proxy);
  first.socket.write("a");
  await waitFor(() => first.received().length === 1, { deadlineMs: 30_000, what: "the echo" });
  line.proxy.cut();
  await once(first.socket, "close");
  const second = open(line.proxy);
  second.socket.write("b");
  await waitFor(() => second.received().toString() === "b", { deadlineMs: 30_000, what: "the echo" });
  const { connections, cuts } = line.proxy.counts;
  assert.deepEqual({ connections, cuts }, { connections: 2, cuts: 1 });
  second.socket.destroy();
});

test("a new connection takes the place of the one before", async () => {
  await using line = await rig({});
  const first = open(line.proxy);
  await once(first.socket, "connect");
  const second = open(line.proxy);
  await once(first.socket, "close");
  second.socket.write("b");
  await waitFor(() => second.received().toString() === "b", { deadlineMs: 30_000, what: "the echo" });
  second.socket.destroy();
});

test("a device that is not there closes the line", async () => {
  await using folder = makeTemporaryFolder("motelet-line-");
  await using proxy = await startLineProxy({
    listenPath: path.join(folder.path, "line"),
    connectPath: path.join(folder.path, "nobody"),
  });
  const { socket } = open(proxy);
  await once(socket, "close");
});

test("the same seed spoils the same bytes, however they are cut, and about as many as asked", () => {
  const bytes = randomBytes(200_000);
  const rates = { flipEveryBytes: 2000, dropEveryBytes: 5000, duplicateEveryBytes: 10_000 };
  const whole = new LineFaults(rates, 42);
  const cut = new LineFaults(rates, 42);
  const arrived = whole.apply(bytes);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 777) pieces.push(cut.apply(bytes.subarray(at, at + 777)));
  assert.deepEqual(Buffer.concat(pieces), arrived);
  assert.notDeepEqual(new LineFaults(rates, 43).apply(bytes), arrived);
  const { flipped, dropped, duplicated } = whole.counts;
  assert.ok(flipped > 70 && flipped < 130, `${flipped} flipped`);
  assert.ok(dropped > 20 && dropped < 65, `${dropped} dropped`);
  assert.ok(duplicated > 6 && duplicated < 40, `${duplicated} duplicated`);
  assert.equal(arrived.length, bytes.length - dropped + duplicated);
});

test("a rate of one strikes every byte, and a flip changes exactly one bit", () => {
  const zeros = Buffer.alloc(1000);
  for (const byte of new LineFaults({ flipEveryBytes: 1 }, 1).apply(zeros)) {
    assert.equal(byte !== 0 && (byte & (byte - 1)) === 0, true);
  }
  assert.equal(new LineFaults({ dropEveryBytes: 1 }, 1).apply(zeros).length, 0);
  assert.equal(new LineFaults({ duplicateEveryBytes: 1 }, 1).apply(zeros).length, 2000);
});
