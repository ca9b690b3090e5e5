import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { Capability, commands, FirmwareState, hasCommand, Status, TaskState } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import { ReferenceDevice } from "../src/index.ts";
import { defaultBuildId } from "../src/log/boot.ts";
import { sdkVersion } from "../src/version.ts";
import { LoopLink } from "./loop-link.ts";

async function deviceFor(t: TestContext) {
  const gateway = new SimulatedGateway();
  const link = new LoopLink(gateway);
  const device = new ReferenceDevice({ link, name: "lamp", boot: 1, seed: 1 });
  t.after(() => device.stop());
  await device.start();
  await until("online", () => device.state === "online");
  const shell = async (...argv: string[]) => (await gateway.exec(argv)).stdout.toString();
  return { gateway, link, device, shell };
}

suite("a reference device", () => {
  test("announces every command that it has, and nothing else", async (t) => {
    const { gateway } = await deviceFor(t);
    const hello = gateway.received.find((message) => message.kind === "hello");
    const caps = hello?.kind === "hello" ? (hello.caps ?? 0) : 0;
    for (const row of Object.values(commands)) assert.ok(hasCommand(caps, row), row.name);
    for (const name of ["properties", "firmware", "workload", "keys"] as const)
      assert.equal(caps & Capability[name], 0, name);
    const info = commands.info.decodeResult((await gateway.request(commands.info.op, [])).result);
    assert.deepEqual([info.firmwareSlot, info.firmwareState], [0, FirmwareState.confirmed]);
  });

  test("tells each state once, and why it is offline once for each reason", async (t) => {
    const link = new LoopLink(new SimulatedGateway());
    const states: string[] = [];
    const onState = (state: string, reason: string) => void states.push(`${state} (${reason})`);
    const device = new ReferenceDevice({ link, onState });
    t.after(() => device.stop());
    await device.start();
    await until("online", () => device.state === "online");
    link.unplug();
    device.log("away");
    device.print("away\n");
    link.unplug("cut");
    link.unplug("cut");
    device.log("still away");
    assert.deepEqual(states, [
      "offline (started)",
      "greeting (link opened)",
      "online (message)",
      "offline (unplugged)",
      "offline (cut)",
    ]);
  });

  test("measures what its parts keep the processor busy with", async (t) => {
    const { gateway, shell } = await deviceFor(t);
    const statsNow = async () =>
      commands.stats.decodeResult((await gateway.request(commands.stats.op, [0])).result);
    const startedMs = performance.now();
    const before = await statsNow();
    const total = ({ device: { cpu } }: typeof before) => (cpu ? cpu.s * 1000 + cpu.ms : 0);
    await gateway.exec(["cat"], Buffer.alloc(2_000_000));
    const after = await statsNow();
    const took = total(after) - total(before);
    assert.ok(took > 5 && took <= performance.now() - startedMs, `${took} ms`);
    const session = after.tasks.find(({ name }) => name === "session");
    assert.equal(session?.state, TaskState.running);
    assert.equal(after.device.filesFree, after.device.filesTotal);
    const lines = (await shell("ps")).trimEnd().split("\n");
    assert.match(lines.at(-1) ?? "", /^running\t0\.\d{3}\t-\tps$/);
    assert.ok(lines.some((line) => /^blocked\t\d+\.\d{3}\t-\tsession$/.test(line)));
    assert.match(await shell("top"), /^up \d+ s, cpu \d+ %, heap \d+ of 524288 free\n/);
  });

  test("keeps files, settings and its log over a reboot; what was not stored arrives without an age", async (t) => {
    const { gateway, link, device, shell } = await deviceFor(t);
    await shell("set", "label", "kept");
    await gateway.exec(["log", "stored before"]);
    await until("stored", () => device.waitingReports === 0);
    link.unplug();
    device.log("not stored before");
    device.reboot();
    link.plug();
    await until("the second boot", () => device.boot === 2 && device.state === "online");
    const about = `${sdkVersion}, board virtual`;
    const build = Buffer.from(defaultBuildId("reference 0.1.0")).toString("hex");
    const first = `boot 1: ${about}, reset: power on, build ${build}`;
    const second = `boot 2: ${about}, reset: software, build ${build}`;
    await until("all is stored", () => gateway.lines.includes(second));
    const ageOf = (text: string) =>
      gateway.reports.find(({ body }) => body.type === "text" && body.text === text)?.ageMs;
    assert.equal(ageOf("not stored before"), null);
    assert.equal(typeof ageOf(second), "number");
    assert.deepEqual(gateway.lines, [first, "stored before", "not stored before", second]);
    assert.equal(await shell("log", "-p"), `${first}\nstored before\nnot stored before\n`);
    assert.equal(await shell("log"), `${second}\n`);
    assert.equal(await shell("get", "label"), "kept\n");
    const read = await gateway.request(commands.logRead.op, [1]);
    assert.equal(commands.logRead.decodeResult(read.result).ageMs, null);
  });

  test("ends what runs when it reboots or stops", async (t) => {
    const { gateway, device, shell } = await deviceFor(t);
    const argv = ["sleep", "100"];
    const args = commands.exec.encodeRequest({ stream: 1, stderrStream: 0, flags: 0, argv });
    assert.equal((await gateway.request(commands.exec.op, args)).status, Status.OK);
    device.reboot();
    await until("the second boot", () => device.boot === 2 && device.state === "online");
    assert.doesNotMatch(await shell("ps"), /sleep/);
  });

  test("has a console on its serial line that follows time, also offline", async (t) => {
    const { link } = await deviceFor(t);
    link.unplug();
    const printed = () => link.printed.join("");
    link.type("sleep 1\necho after\n");
    await until("the end of sleep", () => printed().endsWith("after\r\n"));
    link.type("nonsense\n");
    assert.ok(printed().endsWith("nonsense: not found\r\n"));
  });
});
