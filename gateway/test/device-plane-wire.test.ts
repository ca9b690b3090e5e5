import assert from "node:assert/strict";
import { test } from "node:test";
import { ByeReason, Capability, commands, type Message, Status } from "@motelet/profiles";
import type { DeviceSpec } from "../src/devices/device.ts";
import { key, spec, startPlaneBed as start, startPlane } from "./fakes/plane-under-test.ts";
import { WireDevice } from "./fakes/wire-device.ts";

const execRequest = { argv: ["sleep"], tty: false, stdin: false, stdout: true, stderr: false };

const kinds = (device: WireDevice) => device.heard.map((message) => message.kind);

test("a serial line is asked for a hello at once, the welcome comes when the session is stored, beats are answered", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  assert.deepEqual(device.heard, [{ kind: "bye", reason: ByeReason.noSession }]);
  device.hello({ attempt: 3 });
  assert.equal(device.all("welcome").length, 0);
  await t.commit();
  const welcome = device.last("welcome");
  assert.equal(welcome?.attempt, 3);
  assert.deepEqual([welcome?.heartbeatS, welcome?.rtoMs, welcome?.streamsKept], [10, 500, false]);
  assert.equal(welcome?.time.s, Math.floor(t.clock.wallMs() / 1000));
  device.say({ kind: "beat", uptimeS: 5 });
  assert.deepEqual(device.last("ack"), { kind: "ack", storedSeq: 0 });
  assert.equal(t.registry.get(key)?.sample?.uptimeS, 5);
});

test("the session outlives the gateway: same sid, no streams, and no id that may have been used", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const sid = device.last("welcome")!.sid;
  const firstId = device.last("request")!.id;
  const reborn = startPlane(t.store, t.clock);
  const again = new WireDevice().plug(reborn.plane.acceptor);
  again.hello({ attempt: 2, sid });
  await t.commit();
  assert.deepEqual([again.last("welcome")?.sid, again.last("welcome")?.streamsKept], [sid, false]);
  again.say({ kind: "beat" });
  await t.commit();
  assert.ok(again.last("request")!.id >= firstId + 64);
});

test("exec asks once, repeats the same request, and what the device says of it comes through", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const starting = t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal });
  await t.commit();
  const isExec = (message: Message) => message.kind === "request" && message.op === commands.exec.op;
  const request = device.heard.find(isExec) as Extract<Message, { kind: "request" }>;
  t.clock.advance(500);
  assert.deepEqual(device.heard.filter(isExec), [request, request]);
  const { stream, stderrStream } = commands.exec.decodeRequest(request.args);
  assert.equal(stderrStream, 0);
  // Output may overtake the response.
  device.say({ kind: "data", stream, offset: 0, bytes: Buffer.from("out") });
  device.say({ kind: "response", id: request.id, status: Status.OK, result: [] });
  const session = await starting;
  device.say({ kind: "data", stream, offset: 3, bytes: new Uint8Array(0), end: { status: 0, exitCode: 9 } });
  assert.deepEqual(device.last("credit"), { kind: "credit", stream, next: 4, window: 0 });
  assert.equal(Buffer.concat(await Array.fromAsync(session.stdout)).toString(), "out");
  assert.deepEqual(await session.exit, { status: 0, exitCode: 9 });
});

test("what a device refuses fails in the words of its status", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const cases = [
    [Status.RESOURCE_EXHAUSTED, "UnavailableError"],
    [Status.UNIMPLEMENTED, "RequestError"],
    [Status.OUT_OF_RANGE, "RequestError"],
  ] as const;
  for (const [status, name] of cases) {
    const starting = t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal });
    const refused = assert.rejects(starting, { name });
    await t.commit();
    device.say({ kind: "response", id: device.last("request")!.id, status, result: [] });
    await refused;
  }
});

test("exec on a device that cannot, that is not there, or with too long a command fails at once", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  const run = (argv: string[]) =>
    t.plane.verbs.exec.start(key, { ...execRequest, argv }, { signal: new AbortController().signal });
  await assert.rejects(run(["x"]), { code: "DEVICE_OFFLINE" });
  await t.join(device, { caps: 0 });
  await assert.rejects(run(["x"]), { code: "EXEC_UNSUPPORTED" });
  await t.join(device, { caps: Capability.exec, boot: 2 });
  await assert.rejects(run(["x".repeat(128 - 32 - 2)]), { code: "ARGV_TOO_LONG" });
  const fits = run(["x".repeat(128 - 32 - 3)]);
  await t.commit();
  device.say({ kind: "response", id: device.last("request")!.id, status: Status.OK, result: [] });
  await fits;
});

test("a device that counts as Online but has no session yet is waited for, three seconds at most", async () => {
  const t = start();
  t.registry.learn(key, { phase: "Online" });
  const run = () => t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal });
  const tooLate = assert.rejects(run(), { code: "DEVICE_OFFLINE" });
  t.clock.advance(3_000);
  await tooLate;
  const started = run();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const request = device.all("request").find(({ op }) => op === commands.exec.op)!;
  device.say({ kind: "response", id: request.id, status: Status.OK, result: [] });
  await started;
});

test("a sleeper is waited for where its Device says so: until it wakes, until it is lost, or until nobody waits any more", async () => {
  const t = start();
  t.registry.admit({ ...spec, sleep: { wait: true } });
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const caller = new AbortController();
  const run = () => t.plane.verbs.exec.start(key, execRequest, { signal: caller.signal });
  const sleep = () => device.say({ kind: "bye", reason: ByeReason.sleeping, seconds: 600 });
  sleep();
  const started = run();
  t.clock.advance(599_000);
  await t.join(device, { attempt: 2 });
  device.say({ kind: "response", id: device.last("request")!.id, status: Status.OK, result: [] });
  await started;

  sleep();
  const lost = assert.rejects(run(), { code: "DEVICE_OFFLINE" });
  t.clock.advance(625_000);
  await lost;

  await t.join(device, { attempt: 3 });
  sleep();
  const left = assert.rejects(run(), { name: "UnavailableError" });
  caller.abort();
  await left;

  t.registry.admit({ ...spec, sleep: { wait: false } });
  await assert.rejects(t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal }), {
    code: "DEVICE_OFFLINE",
  });
});

test("a disposed command is cancelled on the device", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const starting = t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal });
  await t.commit();
  device.say({ kind: "response", id: device.last("request")!.id, status: Status.OK, result: [] });
  const session = await starting;
  await session[Symbol.asyncDispose]();
  assert.deepEqual(device.last("credit"), {
    kind: "credit",
    stream: 1,
    next: 0,
    window: 0,
    status: Status.CANCELLED,
  });
  assert.equal((await session.exit).status, Status.CANCELLED);
});

for (const [code, reason, lose] of [
  ["EXEC_ABORTED", "the device has rebooted", (device) => device.hello({ boot: 2 })],
  ["EXEC_ABORTED", "the device has lost its session", (device) => device.hello({ attempt: 2 })],
  [
    "EXEC_UNAVAILABLE",
    "the device has closed its session",
    (device) => device.say({ kind: "bye", reason: ByeReason.closing }),
  ],
] satisfies [string, string, (device: WireDevice) => void][]) {
  test(`a command that is on its way when ${reason} may have run, and says so`, async () => {
    const t = start();
    const device = new WireDevice().plug(t.plane.acceptor);
    await t.join(device);
    const starting = t.plane.verbs.exec.start(key, execRequest, { signal: new AbortController().signal });
    const unanswered = assert.rejects(starting, {
      name: "UnavailableError",
      code,
      message: `device ${key} gave no answer: ${reason}; it is not known whether it did start the command`,
    });
    await t.commit();
    lose(device);
    await t.commit();
    await unanswered;
  });
}

test("what was deleted while the gateway was away is forgotten, what is served is kept", async () => {
  const t = start();
  await t.store.keyValues.put("session/gone", { sid: 1 });
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const forgotten = t.plane.forgetRemoved();
  await t.commit();
  await forgotten;
  assert.deepEqual(t.store.devices(), ["u1"]);
});

test("bad bytes are counted and change nothing", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const before = device.heard.length;
  device.sayBytes(Uint8Array.of(0xff));
  device.sayBytes(new Uint8Array(2_000));
  device.sayBytes(Uint8Array.of(0x82, 0x05, 0x61, 0x61));
  assert.equal(await t.metrics.valueOf("motelet_messages_refused_total"), 3);
  assert.equal(device.heard.length, before);
  // An unknown kind proves life, and is counted.
  device.sayBytes(Uint8Array.of(0x81, 0x14));
  assert.equal(await t.metrics.valueOf("motelet_message_parts_skipped_total"), 1);
});

test("the device at the bound of sessions is served, one past it is told busy", async () => {
  const t = start({ maxSessions: 1 });
  const other: DeviceSpec = {
    ...spec,
    name: "other",
    uid: "u2",
    links: [{ carrier: "serial", port: "pty:other" }],
  };
  t.registry.admit(other);
  const first = new WireDevice().plug(t.plane.acceptor);
  await t.join(first);
  const second = new WireDevice({ kind: "port", port: "pty:other" }).plug(t.plane.acceptor);
  second.hello();
  assert.deepEqual(second.heard, [{ kind: "bye", reason: ByeReason.busy }]);
  assert.equal(await t.metrics.valueOf("motelet_hellos_refused_total", { reason: "session-table-full" }), 1);
  assert.equal(t.registry.get("default/other")?.refusal?.code, "session-table-full");
  assert.equal(await t.metrics.valueOf("motelet_sessions"), 1);
});

test("a carrier that the spec does not list is refused", async () => {
  const t = start();
  t.registry.admit({ ...spec, identity: { wireId: "abc", generation: 1, password: "p" } });
  const device = new WireDevice({ kind: "wire-id", wireId: "abc", generation: 1 }).plug(t.plane.acceptor);
  device.hello();
  assert.deepEqual(device.heard, [{ kind: "bye", reason: ByeReason.refused }]);
  assert.equal(await t.metrics.valueOf("motelet_hellos_refused_total", { reason: "link-not-listed" }), 1);
});

test("a session moves to another carrier and back, and the serial console goes on meanwhile", async () => {
  const t = start();
  t.registry.admit({
    ...spec,
    links: [...spec.links!, { carrier: "mqtt" }],
    identity: { wireId: "abc", generation: 1, password: "p" },
  });
  const serial = new WireDevice().plug(t.plane.acceptor);
  await t.join(serial);
  const sid = serial.last("welcome")!.sid;
  const mqtt = new WireDevice({ kind: "wire-id", wireId: "abc", generation: 1 }, 2_000).plug(
    t.plane.acceptor,
  );
  await t.join(mqtt, { attempt: 2, sid });
  assert.deepEqual([mqtt.last("welcome")?.sid, mqtt.last("welcome")?.streamsKept], [sid, true]);
  assert.deepEqual(serial.last("bye"), { kind: "bye", reason: ByeReason.superseded });
  assert.equal(t.registry.get(key)?.link?.carrier, "mqtt");
  serial.print("still here\n");
  await t.commit();
  assert.equal(t.store.logs.after("u1", 0, 10).at(-1)?.text, "still here\n");
  const before = kinds(serial).length;
  serial.say({ kind: "beat" });
  assert.equal(kinds(serial).length, before);
});

test("a store that keeps nothing welcomes nobody", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  t.store.database.all("PRAGMA query_only=1");
  device.hello();
  await t.commit();
  assert.deepEqual(device.last("bye"), { kind: "bye", reason: ByeReason.busy });
  assert.equal(device.all("welcome").length, 0);
  t.store.database.all("PRAGMA query_only=0");
  device.hello();
  await t.commit();
  assert.equal(device.all("welcome").length, 1);
});

test("a removed device leaves nothing in the store", async () => {
  const t = start();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device, { hardwareId: Uint8Array.of(1), ring: { epoch: 1, nextSeq: 1, oldestSeq: 0 } });
  device.say({ kind: "report", seq: 0, ageMs: 0, body: { type: "text", level: 1, text: "x" } });
  await t.commit();
  assert.deepEqual(device.last("ack"), { kind: "ack", storedSeq: 0 });
  t.registry.remove(key);
  await t.commit();
  const counts = ["key_values", "report_positions", "boots", "log_lines"].map(
    (table) => t.store.database.get(`SELECT count(*) AS n FROM ${table}`)?.n,
  );
  assert.deepEqual(counts, [0, 0, 0, 0]);
});
