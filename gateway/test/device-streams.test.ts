import assert from "node:assert/strict";
import { test } from "node:test";
import { Capability, commands, Status } from "@motelet/profiles";
import { maxReaders, maxWaitingBytes } from "../src/devices/raw-consoles.ts";
import { key, settle, startPlaneBed } from "./fakes/plane-under-test.ts";
import { WireDevice } from "./fakes/wire-device.ts";

const never = () => ({ signal: new AbortController().signal });
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const everything = Capability.dial | Capability.console | Capability.peripherals | Capability.stats;

async function start(hello: Parameters<WireDevice["hello"]>[0] = {}) {
  const bed = startPlaneBed();
  const device = new WireDevice().plug(bed.plane.acceptor);
  await bed.join(device, { caps: everything, rxWindowBytes: 64, ...hello });
  const send = (stream: number, offset: number, text: string, end?: { status: number; exitCode?: number }) =>
    device.say({ kind: "data", stream, offset, bytes: bytes(text), ...(end ? { end } : {}) });
  return { ...bed, device, send };
}

const textOf = async (output: AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(output)).toString();

test("a conversation carries bytes both ways, and our end leaves the service time to answer", async () => {
  const t = await start();
  const dialling = t.plane.verbs.dial.dial(key, 8080, never());
  const [stream, port] = (await t.answer(t.device, Status.OK)) as [number, number];
  assert.equal(port, 8080);
  const conversation = await dialling;
  await conversation.write(bytes("GET /"));
  await conversation.endInput();
  const sent = t.device.all("data");
  assert.equal(Buffer.concat(sent.map((data) => data.bytes)).toString(), "GET /");
  t.device.say({ kind: "credit", stream, next: 5, window: 64 });
  assert.deepEqual(t.device.last("data")?.end, { status: Status.OK });
  t.send(stream, 0, "200", { status: Status.OK });
  assert.equal(await textOf(conversation.output), "200");
  assert.equal((await conversation.ended).status, Status.OK);
});

test("a service that is not there, and one that does not answer, are told apart", async () => {
  const t = await start();
  const rows = [
    [Status.NOT_FOUND, "RequestError", "DIAL_NOT_FOUND"],
    [Status.UNAVAILABLE, "UnavailableError", "DIAL_UNAVAILABLE"],
    [Status.RESOURCE_EXHAUSTED, "UnavailableError", "DIAL_RESOURCE_EXHAUSTED"],
  ] as const;
  for (const [status, name, code] of rows) {
    const failing = assert.rejects(t.plane.verbs.dial.dial(key, 1, never()), { name, code });
    await t.answer(t.device, status);
    await failing;
  }
  await assert.rejects(t.plane.verbs.dial.dial(key, 65_536, never()), { code: "DIAL_INVALID_ARGUMENT" });
  assert.equal(await t.metrics.valueOf("motelet_verbs_total", { verb: "dial" }), 4);
});

test("the last of 23 streams is given, the next is refused, and a conversation that is left gives its own back", async () => {
  const t = await start();
  const open = async () => {
    const dialling = t.plane.verbs.dial.dial(key, 1, never());
    await t.answer(t.device, Status.OK);
    return dialling;
  };
  const conversations = [];
  while (conversations.length < 23) conversations.push(await open());
  await assert.rejects(t.plane.verbs.dial.dial(key, 1, never()), { code: "STREAMS_EXHAUSTED" });
  await conversations[4]![Symbol.asyncDispose]();
  assert.equal(t.device.last("credit")?.status, Status.CANCELLED);
  assert.equal((await conversations[4]!.ended).status, Status.CANCELLED);
  await open();
});

test("a lost device ends a conversation with its reason", async () => {
  const t = await start();
  const dialling = t.plane.verbs.dial.dial(key, 1, never());
  await t.answer(t.device, Status.OK);
  const conversation = await dialling;
  t.device.unplug();
  t.clock.advance(30_000);
  const { status, message } = await conversation.ended;
  assert.equal(status, Status.UNAVAILABLE);
  assert.ok(message);
  await assert.rejects(conversation.write(bytes("x")), { code: "STREAM_ENDED" });
});

test("a peripheral gets its argv, and its exit code comes back", async () => {
  const t = await start();
  const request = { argv: ["set", "on"], tty: false, stdin: false, stdout: true, stderr: true };
  const starting = t.plane.verbs.invoke.start(key, "led", request, never());
  const args = await t.answer(t.device, Status.OK);
  const { stream, stderrStream, peripheral, argv } = commands.peripheralInvoke.decodeRequest(args);
  assert.deepEqual([stderrStream, peripheral, argv], [0, "led", ["set", "on"]]);
  const running = await starting;
  t.send(stream, 0, "on\n", { status: Status.OK, exitCode: 3 });
  assert.equal(await textOf(running.stdout), "on\n");
  assert.deepEqual(await running.exit, { status: Status.OK, exitCode: 3 });
});

test("a peripheral's name shares the room of argv: both at the limit are sent, one byte more is not", async () => {
  const t = await start();
  const run = (argument: string) => {
    const request = { argv: [argument], tty: false, stdin: false, stdout: true, stderr: false };
    return t.plane.verbs.invoke.start(key, "p".repeat(32), request, never());
  };
  // M − 32 less the name with its head, the head of argv and the head of its one text.
  const room = 128 - 32 - 34 - 1 - 2;
  await assert.rejects(run("x".repeat(room + 1)), { code: "ARGV_TOO_LONG" });
  const fits = run("x".repeat(room));
  await t.answer(t.device, Status.OK);
  await fits;
  const unknown = assert.rejects(run("x"), { name: "RequestError", code: "INVOKE_NOT_FOUND" });
  await t.answer(t.device, Status.NOT_FOUND);
  await unknown;
});

test("stats are read page by page, and what the device does not know is absent", async () => {
  const t = await start();
  const asked = t.plane.verbs.stats.stats(key, never());
  const device = new Map<number, [number, number] | number>([
    [1, [12, 500]],
    [3, 4_000],
  ]);
  const first = await t.answer(t.device, Status.OK, [2, device, [["main", 0, [12, 250], 812]]]);
  const second = await t.answer(t.device, Status.OK, [2, device, [["idle", 2, null, null]]]);
  assert.deepEqual([first, second], [[0], [1]]);
  assert.deepEqual(await asked, {
    atMs: t.clock.wallMs(),
    cpuMs: 12_500,
    heapFreeBytes: 4_000,
    tasks: [{ stackFreeBytes: 812 }, {}],
  });
});

test("stats, dial and invoke of a device that has none of them say so at once", async () => {
  const t = await start({ caps: 0 });
  const request = { argv: ["get"], tty: false, stdin: false, stdout: true, stderr: false };
  await assert.rejects(t.plane.verbs.stats.stats(key, never()), { code: "STATS_UNSUPPORTED" });
  await assert.rejects(t.plane.verbs.dial.dial(key, 1, never()), { code: "DIAL_UNSUPPORTED" });
  await assert.rejects(t.plane.verbs.invoke.start(key, "led", request, never()), {
    code: "INVOKE_UNSUPPORTED",
  });
});

const wanted = { stdin: true, stdout: true, tty: false };

test("attach opens the console: lines go in, what it prints comes out, end closes it", async () => {
  const t = await start();
  const attaching = t.plane.verbs.attach.attach(key, wanted, never());
  const [stream] = (await t.answer(t.device, Status.OK)) as [number];
  assert.equal(t.device.last("request")?.op, commands.console.op);
  const console = await attaching;
  await console.write(bytes("help\n"));
  assert.equal(Buffer.from(t.device.last("data")!.bytes).toString(), "help\n");
  t.device.say({ kind: "credit", stream, next: 5, window: 64 });
  await console.endInput();
  t.send(stream, 0, "echo\n", { status: Status.OK });
  assert.equal(await textOf(console.stdout), "echo\n");
  assert.deepEqual(await console.exit, { status: Status.OK, exitCode: 0 });
});

test("a console that is taken is unavailable, not unsupported", async () => {
  const t = await start();
  const failing = assert.rejects(t.plane.verbs.attach.attach(key, wanted, never()), {
    name: "UnavailableError",
  });
  await t.answer(t.device, Status.RESOURCE_EXHAUSTED);
  await failing;
});

test("a device without a console command is attached to over its serial line, raw both ways", async () => {
  const t = await start({ caps: 0 });
  const console = await t.plane.verbs.attach.attach(key, wanted, never());
  await console.write(bytes("reset\r"));
  assert.equal(t.device.typed, "reset\r");
  t.device.print("boot ROM\n");
  await console[Symbol.asyncDispose]();
  assert.equal(await textOf(console.stdout), "boot ROM\n");
  assert.equal((await console.exit).status, Status.CANCELLED);
});

test("also a board that never said hello is attached to over its line", async () => {
  const bed = startPlaneBed();
  assert.equal(bed.plane.verbs.attach.hasLine(key), false);
  const device = new WireDevice().plug(bed.plane.acceptor);
  assert.equal(bed.plane.verbs.attach.hasLine(key), true);
  const console = await bed.plane.verbs.attach.attach(key, wanted, never());
  await console.write(bytes("x"));
  assert.equal(device.typed, "x");
  device.unplug();
  const { status, message } = await console.exit;
  assert.deepEqual([status, message], [Status.UNAVAILABLE, "the serial line has closed"]);
  assert.equal(bed.plane.verbs.attach.hasLine(key), false);
});

test("after the end of input a serial console is left when it has been quiet for a second", async () => {
  const t = await start({ caps: 0 });
  const console = await t.plane.verbs.attach.attach(key, wanted, never());
  await console.endInput();
  let over = false;
  void console.exit.then(() => {
    over = true;
  });
  for (let half = 0; half < 3; half++) {
    t.clock.advance(500);
    t.device.print("and on\n");
    await settle();
  }
  assert.equal(over, false);
  t.clock.advance(1_000);
  await settle();
  t.clock.advance(1_000);
  assert.deepEqual(await console.exit, { status: Status.OK, exitCode: 0 });
});

test("typing waits while the line has no room, and gives up after ten seconds", async () => {
  const t = await start({ caps: 0 });
  const console = await t.plane.verbs.attach.attach(key, wanted, never());
  t.device.consoleHasRoom = false;
  const patient = console.write(bytes("a"));
  await settle();
  t.device.consoleHasRoom = true;
  t.clock.advance(20);
  await patient;
  assert.equal(t.device.typed, "a");
  t.device.consoleHasRoom = false;
  const failing = assert.rejects(console.write(bytes("b")), { code: "CONSOLE_STALLED" });
  for (let round = 0; round < 501; round++) {
    await settle();
    t.clock.advance(20);
  }
  await failing;
});

test("a console reader's buffer holds its limit, and what is past it is dropped and counted", async () => {
  const t = await start({ caps: 0 });
  const console = await t.plane.verbs.attach.attach(key, wanted, never());
  t.device.print("x".repeat(maxWaitingBytes));
  t.device.print("y");
  assert.equal(await t.metrics.valueOf("motelet_attach_dropped_bytes_total"), 1);
  await console[Symbol.asyncDispose]();
  assert.equal((await textOf(console.stdout)).length, maxWaitingBytes);
});

test("a line takes its last reader and refuses the next, until one leaves", async () => {
  const t = await start({ caps: 0 });
  const readers = [];
  for (let count = 0; count < maxReaders; count++)
    readers.push(await t.plane.verbs.attach.attach(key, wanted, never()));
  await assert.rejects(t.plane.verbs.attach.attach(key, wanted, never()), { code: "ATTACH_TAKEN" });
  await readers[0]![Symbol.asyncDispose]();
  await t.plane.verbs.attach.attach(key, wanted, never());
});

test("a device without a console and without a line cannot be attached to, an absent one is offline", async () => {
  const t = startPlaneBed();
  await assert.rejects(t.plane.verbs.attach.attach(key, wanted, never()), { code: "DEVICE_OFFLINE" });
  const { spec } = t.registry.get(key)!;
  const identity = { wireId: "abc", generation: 1, password: "p" };
  t.registry.admit({ ...spec, links: [{ carrier: "mqtt" }], identity });
  const device = new WireDevice({ kind: "wire-id", wireId: "abc", generation: 1 }).plug(t.plane.acceptor);
  await t.join(device);
  await assert.rejects(t.plane.verbs.attach.attach(key, wanted, never()), { code: "ATTACH_UNSUPPORTED" });
});
