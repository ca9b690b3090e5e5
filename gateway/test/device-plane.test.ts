import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice, switchPeripheral } from "@motelet/reference";
import { until } from "@motelet/testing";
import { missingPeripherals } from "../src/devices/device.ts";
import { InProcessLink } from "./fakes/in-process-link.ts";
import { bitErrors, collect, key, pattern, spec, startLamp, weather } from "./fakes/lamp-bed.ts";
import { LoopTime } from "./fakes/loop-time.ts";

test("a device that greets is Online, with what it says of itself and of its hardware", async () => {
  await using lamp = await startLamp();
  await until("info", () => lamp.facts()?.hardware.arch);
  const facts = lamp.facts();
  assert.equal(facts?.hardware.hardwareId, "010203");
  assert.equal(facts?.firmware?.text, "reference 0.1.0");
  assert.equal(facts?.link?.carrier, "serial");
  assert.ok(facts?.capabilities.includes("exec"));
  await until("a beat", () => lamp.facts()?.sample?.uptimeS !== undefined);
});

test("exec runs a command: output, errors and exit code come apart", async () => {
  await using lamp = await startLamp();
  const hi = await lamp.run(["echo", "hi", "there"]);
  assert.deepEqual(
    [String(hi.stdout), String(hi.stderr), hi.exit],
    ["hi there\n", "", { status: 0, exitCode: 0 }],
  );
  assert.equal((await lamp.run(["exit", "7"])).exit.exitCode, 7);
  const unknown = await lamp.run(["nonsense"]);
  assert.deepEqual([String(unknown.stderr), unknown.exit.exitCode], ["nonsense: not found\n", 127]);
});

test("a megabyte goes through cat unchanged", async (t) => {
  await using lamp = await startLamp();
  const startedMs = performance.now();
  const { stdout, exit } = await lamp.run(["cat"], pattern(1_048_576));
  t.diagnostic(`1 MiB there and back in ${Math.round(performance.now() - startedMs)} ms`);
  assert.equal(exit.exitCode, 0);
  assert.ok(stdout.equals(pattern(1_048_576)));
});

test("100 kB go through cat unchanged where a fifth of the messages is lost and some come twice", async (t) => {
  await using lamp = await startLamp({ fate: weather(0.2) });
  const startedMs = performance.now();
  const { stdout, exit } = await lamp.run(["cat"], pattern(100_000));
  t.diagnostic(`100 kB there and back in ${Math.round(performance.now() - startedMs)} ms`);
  assert.equal(exit.exitCode, 0);
  assert.ok(stdout.equals(pattern(100_000)));
});

test("100 kB go through cat unchanged over a serial line that hits one byte in 2,000", async (t) => {
  await using lamp = await startLamp({ fate: bitErrors(2_000), rtoMs: 500 });
  const startedMs = performance.now();
  const { stdout, exit } = await lamp.run(["cat"], pattern(100_000));
  t.diagnostic(`100 kB there and back in ${Math.round(performance.now() - startedMs)} ms`);
  assert.equal(exit.exitCode, 0);
  assert.ok(stdout.equals(pattern(100_000)));
});

test("reports and console text are in the log in order of arrival, the boot before stays readable", async () => {
  await using lamp = await startLamp();
  lamp.device.log("first report");
  await until("stored", () => lamp.device.waitingReports === 0);
  lamp.link.print("printf text\r\n");
  lamp.link.print("half a ");
  lamp.link.print("line\n");
  await until("console stored", () =>
    lamp.store.logs.after("uid-lamp", 0, 100).some((l) => l.text === "half a line\n"),
  );
  const text = await lamp.log();
  assert.match(
    text,
    /lamp: boot \d+\nboot \d+: motelet-reference [^\n]+\nfirst report\nprintf text\nhalf a line\n$/,
  );
  const boot = lamp.facts()?.boot;
  lamp.device.reboot();
  await until("another boot", () => lamp.facts()?.boot !== boot && lamp.facts()?.phase === "Online");
  await until("stored", () => lamp.device.waitingReports === 0);
  assert.match(await lamp.log(true), /half a line\n/);
  assert.doesNotMatch(await lamp.log(), /half a line/);
});

test("a follower gets what comes, and ends with its signal", async () => {
  await using lamp = await startLamp();
  const stop = new AbortController();
  const got: string[] = [];
  const following = (async () => {
    const query = { previous: false, follow: true, tailLines: 0, signal: stop.signal };
    for await (const batch of lamp.plane.logs.read(key, query) ?? [])
      for (const entry of batch) got.push(entry.text);
  })();
  for (let i = 0; i < 5; i++) lamp.device.log(`line ${i}`);
  await until("all lines", () => got.filter((line) => line.startsWith("line")).length === 5);
  stop.abort();
  await following;
  assert.deepEqual(
    got.filter((line) => line.startsWith("line")),
    [0, 1, 2, 3, 4].map((i) => `line ${i}\n`),
  );
});

test("reboot answers, and the device comes back by itself as another boot", async () => {
  await using lamp = await startLamp();
  const boot = lamp.facts()?.boot;
  await lamp.plane.verbs.reboot(key);
  await until("another boot", () => lamp.facts()?.boot !== boot);
  assert.equal(lamp.facts()?.resetCause, 3);
});

test("a gateway that died has its serial device back at once, and goes on with reports where it was", async (t) => {
  await using lamp = await startLamp();
  lamp.device.log("before");
  await until("stored", () => lamp.device.waitingReports === 0);
  const startedMs = performance.now();
  lamp.restart();
  assert.equal(lamp.facts()?.phase, "Online");
  // Half a heartbeat: the device is asked, and not waited for.
  await until("back", () => lamp.facts()?.boot !== undefined, 5_000);
  t.diagnostic(`back after ${Math.round(performance.now() - startedMs)} ms`);
  lamp.device.log("after");
  await until("stored", () => lamp.device.waitingReports === 0);
  assert.match(await lamp.log(), /before\nafter\n$/);
  assert.equal(String((await lamp.run(["echo", "x"])).stdout), "x\n");
});

test("a device that is lost is Offline after 2.5 heartbeats, and what ran on it ends as UNAVAILABLE", async () => {
  let lost = false;
  await using lamp = await startLamp({ heartbeatS: 1, fate: () => (lost ? "lose" : "pass") });
  const session = await lamp.plane.verbs.exec.start(
    key,
    { argv: ["cat"], tty: false, stdin: true, stdout: true, stderr: false },
    { signal: AbortSignal.timeout(60_000) },
  );
  using time = new LoopTime();
  lost = true;
  const [exit] = await Promise.all([session.exit, collect(session.stdout), collect(session.stderr)]);
  assert.equal(exit.status, 14);
  assert.ok(time.ms < 3_000, `${time.ms} ms`);
  assert.equal(lamp.facts()?.phase, "Offline");
  await assert.rejects(session.write(Buffer.from("x")), { code: "STREAM_ENDED" });
  await assert.rejects(lamp.run(["echo"]), { code: "DEVICE_OFFLINE" });
  lost = false;
  await lamp.online();
});

test("a line that is pulled and put back goes on with what runs on it", async () => {
  await using lamp = await startLamp();
  const session = await lamp.plane.verbs.exec.start(
    key,
    { argv: ["cat"], tty: false, stdin: true, stdout: true, stderr: false },
    { signal: AbortSignal.timeout(60_000) },
  );
  await using _running = session;
  const output = collect(session.stdout);
  await session.write(pattern(1_000));
  lamp.link.unplug();
  lamp.link.plug();
  await session.write(pattern(2_000));
  await session.endInput();
  assert.deepEqual(await output, Buffer.concat([pattern(1_000), pattern(2_000)]));
  assert.equal((await session.exit).exitCode, 0);
});

test("another board on a pinned port is refused, told why, and counted", async () => {
  await using lamp = await startLamp();
  await lamp.device.stop();
  const link = new InProcessLink({
    acceptor: () => lamp.plane.acceptor,
    identity: { kind: "port", port: "pty:lamp" },
  });
  const stranger = new ReferenceDevice({ link, hardwareId: Uint8Array.of(9) });
  await stranger.start();
  const { code, peer } = await until("refused", () => lamp.facts()?.refusal);
  assert.deepEqual([code, peer], ["other-hardware", "in-process"]);
  assert.notEqual(lamp.facts()?.phase, "Online");
  assert.ok((await lamp.metrics.valueOf("motelet_hellos_refused_total", { reason: "other-hardware" })) >= 1);
  await stranger.stop();
});

test("a paused device is refused and Offline; resumed, it is back at once", async () => {
  await using lamp = await startLamp();
  lamp.registry.admit({ ...spec, paused: true });
  assert.equal(lamp.facts()?.phase, "Offline");
  lamp.registry.admit({ ...spec, paused: false });
  await lamp.online();
});

test("a device without a Device is refused; when its Device comes it is let in", async () => {
  await using lamp = await startLamp();
  lamp.registry.remove(key);
  await until("refused", () => lamp.device.state === "waiting");
  lamp.registry.admit({ ...spec, uid: "uid-other" });
  await lamp.online();
});

test("which peripherals the firmware has is asked page by page, and again with the next boot", async () => {
  // Too many for one message.
  const names = Array.from({ length: 60 }, (_, index) => `relay${String(index).padStart(26, "0")}`);
  const has = [...names];
  await using lamp = await startLamp({
    peripherals: () => has.map((name) => switchPeripheral(name, "relay")),
  });
  assert.equal(lamp.facts()?.peripherals, undefined);
  lamp.registry.admit({ ...spec, peripherals: ["fan0", ...names.slice(-2)] });
  await until("the list", () => lamp.facts()?.peripherals);
  assert.deepEqual(lamp.facts()?.peripherals, names);
  const missing = () => missingPeripherals(lamp.facts() ?? assert.fail("no device"));
  assert.deepEqual(missing(), ["fan0"]);
  has.push("fan0");
  lamp.device.reboot();
  await until("the new firmware's list", () => missing().length === 0);
});
