import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { commands, Status, TaskState } from "@motelet/profiles";
import { adcPeripheral, type DeviceStats, switchPeripheral } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

suite("peripherals (SPEC §6.15)", () => {
  const deviceWith = (settings = {}) => {
    const peripherals = [switchPeripheral("relay0", "relay"), adcPeripheral("adc0", () => 1_831)];
    const device = new BenchSession({ peripherals }, settings);
    const invoke = (peripheral: string, ...argv: string[]) => {
      device.streams.clear();
      const args = { stream: 1, stderrStream: 2, flags: 0, peripheral, argv };
      const { status } = device.request(commands.peripheralInvoke, args);
      if (status !== Status.OK) return status;
      return [device.stream(1).text + device.stream(2).text, device.stream(1).end?.exitCode];
    };
    return { device, invoke };
  };

  test("are listed with their kinds, from any index on", () => {
    const { device } = deviceWith();
    const list = (from: number) => device.request(commands.peripheralList, { from }).result;
    assert.deepEqual(list(0)?.entries, [
      { name: "relay0", kind: "relay" },
      { name: "adc0", kind: "adc" },
    ]);
    assert.deepEqual(list(1), { total: 2, entries: [{ name: "adc0", kind: "adc" }] });
    assert.deepEqual(list(2), { total: 2, entries: [] });
  });

  test("take commands and say what they do not know", () => {
    const { invoke } = deviceWith();
    assert.deepEqual(invoke("relay0", "get"), ["off\n", 0]);
    assert.deepEqual(invoke("relay0", "set", "on"), ["", 0]);
    assert.deepEqual(invoke("relay0", "get"), ["on\n", 0]);
    for (const words of [["set", "up"], ["set"], ["set", "on", "off"]])
      assert.deepEqual(invoke("relay0", ...words), ["relay0: expected on or off\n", 1]);
    assert.deepEqual(invoke("relay0", "get"), ["on\n", 0]);
    assert.deepEqual(invoke("adc0", "get"), ["1831\n", 0]);
    assert.deepEqual(invoke("adc0", "set", "1"), ["adc0: set: not found\n", 127]);
    assert.deepEqual(invoke("relay0", "help"), [
      "get              prints on or off\nset on|off       switches it\nhelp             lists the commands\n",
      0,
    ]);
    assert.equal(invoke("relay1", "get"), Status.NOT_FOUND);
  });

  test("name and argv together may fill M − 32 bytes, and one more is OUT_OF_RANGE", () => {
    const { invoke } = deviceWith({ maxMessageBytes: 128 });
    // relay0 with its head takes 7 bytes, the word 2 of head.
    const max = 128 - 32 - 7 - 2;
    assert.deepEqual(invoke("relay0", "x".repeat(max)), [`relay0: ${"x".repeat(max)}: not found\n`, 127]);
    assert.equal(invoke("relay0", "x".repeat(max + 1)), Status.OUT_OF_RANGE);
    assert.equal(invoke("nobody", "x".repeat(max + 1)), Status.OUT_OF_RANGE);
  });
});

suite("stats (SPEC §6.9)", () => {
  const figures = (tasks: number): DeviceStats => ({
    cpuMs: 61_234.5,
    heapTotalBytes: 524_288,
    heapFreeBytes: 200_000,
    heapMinBytes: 150_000,
    filesTotalBytes: 1_000,
    filesFreeBytes: 900,
    tasks: Array.from({ length: tasks }, (_, index) => ({
      name: `task-${index}`,
      state: "blocked",
      cpuMs: index,
      stackFreeBytes: null,
    })),
  });

  test("tell the device's figures with every page, and each task once", () => {
    const device = new BenchSession({ stats: () => figures(40) }, { maxMessageBytes: 128 });
    const names: string[] = [];
    for (let pages = 0; names.length < 40; pages++) {
      assert.ok(pages < 40);
      const { result } = device.request(commands.stats, { from: names.length });
      assert.equal(result?.total, 40);
      assert.deepEqual(result.device.cpu, { s: 61, ms: 234 });
      assert.equal(result.device.heapLeast, 150_000);
      assert.ok(result.tasks.length > 0);
      names.push(...result.tasks.map(({ name }) => name));
    }
    assert.deepEqual(
      names,
      figures(40).tasks.map(({ name }) => name),
    );
    assert.deepEqual(device.request(commands.stats, { from: 40 }).result?.tasks, []);
  });

  test("tell of 255 tasks at most", () => {
    const device = new BenchSession({ stats: () => figures(300) });
    const { result } = device.request(commands.stats, { from: 254 });
    assert.equal(result?.total, 255);
    assert.deepEqual(result.tasks, [
      { name: "task-254", state: TaskState.blocked, cpu: { s: 0, ms: 254 }, stackFree: null },
    ]);
  });
});
