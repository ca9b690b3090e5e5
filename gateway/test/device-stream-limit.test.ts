import assert from "node:assert/strict";
import { test } from "node:test";
import { Capability, commands, Status } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { collect, startLamp } from "./fakes/lamp-bed.ts";
import { key, startPlaneBed } from "./fakes/plane-under-test.ts";
import { WireDevice } from "./fakes/wire-device.ts";

/** How the few streams of a small device are shared. */
const echoPort = 7;
const by = (caller: string) => ({ signal: AbortSignal.timeout(20_000), caller });
const command = (...argv: string[]) => ({ argv, tty: false, stdin: false, stdout: true, stderr: true });

test("stderr has a stream of its own where another one stays free, and goes with stdout otherwise", async () => {
  /** What the device says of its streams, how many are open before, and whether stderr is apart then. */
  const rows = [
    [undefined, 0, false],
    [1, 0, false],
    [2, 0, false],
    [3, 0, true],
    [3, 1, false],
    [4, 1, true],
    [4, 2, false],
    [23, 20, true],
    [23, 21, false],
  ] as const;
  for (const [streams, open, apart] of rows) {
    const t = startPlaneBed();
    const device = new WireDevice().plug(t.plane.acceptor);
    const caps = Capability.exec | Capability.stderr | Capability.dial | Capability.peripherals;
    await t.join(device, { caps, ...(streams === undefined ? {} : { streams }) });
    for (let count = 0; count < open; count++) {
      const dialling = t.plane.verbs.dial.dial(key, echoPort, by("bob"));
      await t.answer(device, Status.OK);
      await dialling;
    }
    const starts = [
      [commands.exec, () => t.plane.verbs.exec.start(key, command("ps"), by("alice"))],
      [commands.peripheralInvoke, () => t.plane.verbs.invoke.start(key, "led", command("get"), by("alice"))],
    ] as const;
    for (const [row, start] of starts) {
      const starting = start();
      const { stderrStream } = row.decodeRequest(await t.answer(device, Status.OK));
      assert.equal(stderrStream !== 0, apart, `${row.name}, ${streams} streams, ${open} open`);
      await (await starting)[Symbol.asyncDispose]();
    }
  }
});

test("where stdout and stderr must not be mixed the last stream is taken, unless the device can never have two", async () => {
  const rows = [
    [1, 0, false],
    [2, 0, true],
    [2, 1, true],
  ] as const;
  for (const [streams, open, apart] of rows) {
    const t = startPlaneBed();
    const device = new WireDevice().plug(t.plane.acceptor);
    await t.join(device, { caps: Capability.exec | Capability.stderr | Capability.dial, streams });
    for (let count = 0; count < open; count++) {
      const dialling = t.plane.verbs.dial.dial(key, echoPort, by("bob"));
      await t.answer(device, Status.OK);
      await dialling;
    }
    for (const request of [
      { ...command("ps"), apart: true },
      { ...command("ps"), stdout: false },
    ]) {
      const starting = t.plane.verbs.exec.start(key, request, by("alice"));
      const { stderrStream } = commands.exec.decodeRequest(await t.answer(device, Status.OK));
      assert.equal(stderrStream !== 0, apart, `${streams} streams, ${open} open`);
      await (await starting)[Symbol.asyncDispose]();
    }
  }
});

test("with two streams a command with stdin and a forwarded port go together, and a third is told who has them", async () => {
  await using lamp = await startLamp({ streams: 2 });
  const { exec, dial, files, attach } = lamp.plane.verbs;
  const cat = await exec.start(key, { ...command("cat"), stdin: true }, by("alice"));
  const conversation = await dial.dial(key, echoPort, by("bob"));
  await Promise.all([cat.write(Buffer.from("in and out")), conversation.write(Buffer.from("echoed"))]);
  const users =
    /^device default\/lamp did not .*: 2 of its 2 streams are in use: exec cat by alice \(\d+ s\), port-forward to 7 by bob \(\d+ s\)$/;
  const refused = (code: string) => ({ name: "UnavailableError", code, message: users });
  await assert.rejects(exec.start(key, command("ps"), by("carol")), refused("EXEC_RESOURCE_EXHAUSTED"));
  await assert.rejects(dial.dial(key, echoPort, by("carol")), refused("DIAL_RESOURCE_EXHAUSTED"));
  await assert.rejects(
    attach.attach(key, { stdin: true, stdout: true, tty: false }, by("carol")),
    refused("ATTACH_RESOURCE_EXHAUSTED"),
  );
  async function* content() {
    yield Buffer.from("x");
  }
  const file = { size: 1, mode: 0o644, bytes: content() };
  await assert.rejects(files.write(key, "/a", file, by("carol")), refused("FILE_UNAVAILABLE"));
  await cat.endInput();
  await conversation.endInput();
  const [said, echoed, exit] = await Promise.all([
    collect(cat.stdout),
    collect(conversation.output),
    cat.exit,
  ]);
  assert.deepEqual([String(said), String(echoed), exit.exitCode], ["in and out", "echoed", 0]);
  // Both have given theirs back; the line of the log that follows took none at any time.
  await until("a command runs", () => lamp.device.state === "online");
  assert.equal((await lamp.run(["echo", "again"])).exit.exitCode, 0);
});

test("an error of a command is seen where it shares a stream, and its exit code is its own", async () => {
  await using lamp = await startLamp({ streams: 2 });
  const { stdout, stderr, exit } = await lamp.run(["frobnicate"]);
  assert.deepEqual([String(stdout), String(stderr), exit.exitCode], ["frobnicate: not found\n", "", 127]);
});

test("a device without room that the gateway does not use says so", async () => {
  const t = startPlaneBed();
  const device = new WireDevice().plug(t.plane.acceptor);
  await t.join(device);
  const failing = assert.rejects(t.plane.verbs.exec.start(key, command("ps"), by("alice")), {
    message:
      "device default/lamp did not start the command: it has no room for it now, although the gateway uses none of its 2 streams",
  });
  await t.answer(device, Status.RESOURCE_EXHAUSTED);
  await failing;
});
