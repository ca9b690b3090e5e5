import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Device } from "../../../gateway/src/resources/device.ts";
import { startScript } from "../../bench/line-process.ts";
import { gatewayWrites, tally, type Write, writesOfDevices } from "../../rig/cluster/audit-log.ts";
import { NodePlane, type RigDevice } from "../../rig/cluster/node-plane.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * Gateway and API server come and go while devices stay. MOTELET_SOAK=1: 100 devices killed from 5 times, an API server that
 * is away for 60 s, and an orderly end with 1,000 devices.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const scale = soak
  ? {
      devices: 100,
      kills: 5,
      pauseMs: 6_000,
      awayMs: 60_000,
      fleet: 1000,
      heartbeatS: 10,
      lineEveryMs: 1000,
    }
  : { devices: 100, kills: 1, pauseMs: 2_000, awayMs: 10_000, fleet: 100, heartbeatS: 5, lineEveryMs: 100 };
const devicesPath = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";

/** Devices whose session ended after a moment, with what became of it. */
function unsettled(devices: readonly RigDevice[], sinceMs: number): readonly string[] {
  return devices.flatMap(({ name, states }) => {
    const after = states.filter(({ atMs, state }) => atMs > sinceMs && state !== "online");
    return after.length > 0 ? [`${name}: ${after.map(({ state }) => state).join(" ")}`] : [];
  });
}

test("gateway and API server come and go", { timeout: 900_000 }, async (t) => {
  await using rig = await NodePlane.start({
    audit: true,
    settings: { "session.heartbeatS": String(scale.heartbeatS) },
  });
  const { ready, gateway, plane } = rig;
  const names = Array.from({ length: scale.devices }, (_, index) => `m${index}`);
  const devices = await rig.bringUp(names);
  const online = () => devices.every(({ device }) => device.state === "online");
  const phases = async () => {
    const phaseOf = (device: Device) => device.status?.phase ?? "none";
    return new Set((await rig.list<Device>(devicesPath)).map(phaseOf));
  };
  const allOnline = async () => [...(await phases())].join() === "Online";
  await waitFor(allOnline, { what: "every Device's status", deadlineMs: 60_000, intervalMs: 500 });
  await delay(soak ? 30_000 : 3_000);

  await t.test(
    `kill -9 and a start within 15 s, ${scale.kills} ×, change no Ready and cost two writes a device`,
    async (t) => {
      for (let trial = 0; trial < scale.kills; trial++) {
        const killedMs = performance.now();
        await gateway.kill();
        await delay(scale.pauseMs);
        const fromMs = Date.now();
        await gateway.start();
        const downMs = performance.now() - killedMs;
        assert.ok(downMs <= 15_000, `${downMs} ms without a gateway`);
        await waitFor(online, { what: "all devices to be back", deadlineMs: 30_000 });
        const backMs = performance.now() - killedMs;
        // What a return causes is written by then; Leases are due again after 18 s.
        await delay(5_000);
        let writes: readonly Write[] = [];
        let counts: readonly number[] = [];
        await waitFor(
          async () => {
            writes = await gatewayWrites(rig.auditLogPath, fromMs);
            counts = [...writesOfDevices(writes, names).values()].map(({ length }) => length);
            return Math.min(...counts) >= 1;
          },
          { what: "all Leases to be renewed", deadlineMs: 30_000, intervalMs: 500 },
        );
        assert.deepEqual(ready.since(killedMs), []);
        assert.ok(await allOnline());
        t.diagnostic(
          `down ${Math.round(downMs)} ms, all back after ${Math.round(backMs)} ms, most writes a device ${Math.max(...counts)} (${tally(writes)})`,
        );
        assert.ok(Math.max(...counts) <= 2, `${Math.max(...counts)} writes`);
      }
    },
  );

  await t.test(
    `an API server that is away for ${scale.awayMs / 1000} s costs no session, and all catches up`,
    async (t) => {
      await waitFor(online, { what: "all devices to be back", deadlineMs: 30_000 });
      const [frozen, ...others] = devices as [RigDevice, ...RigDevice[]];
      const awayMs = performance.now();
      await plane.killApiServer();
      frozen.freeze();
      await delay(scale.awayMs);
      assert.deepEqual(unsettled(others, awayMs), []);
      await plane.restartApiServer();
      const backMs = performance.now();
      const rest = names.slice(1);
      await waitFor(() => ready.statusOf("m0") === "False", {
        what: "the news of the frozen device",
        deadlineMs: 60_000,
      });
      const newsMs = performance.now() - backMs;
      await ready.all(rest, "True", 60_000);
      await waitFor(
        async () => (await fetch(`http://127.0.0.1:${gateway.ports.operations}/readyz`)).status === 200,
        {
          what: "readyz",
          deadlineMs: 30_000,
        },
      );
      t.diagnostic(
        `API server ready to news of a device lost meanwhile: ${Math.round(newsMs)} ms; to all well: ${Math.round(performance.now() - backMs)} ms; ` +
          `changes of Ready of the others: ${ready.since(awayMs).filter(({ node }) => node !== "m0").length}`,
      );
      assert.deepEqual(unsettled(others, awayMs), []);
      frozen.thaw();
      await waitFor(() => ready.statusOf("m0") === "True", { what: "its return", deadlineMs: 30_000 });
    },
  );

  await t.test(
    `SIGTERM with ${scale.fleet} devices ends in 5 s, and nothing that was acknowledged is lost`,
    async (t) => {
      const more = Array.from({ length: scale.fleet - devices.length }, (_, index) => `f${index}`);
      await using crowd = new AsyncDisposableStack();
      if (more.length > 0) {
        // In a process of their own: who plays a thousand devices that look for their gateway reads its log too slowly.
        const identities = await rig.makeDevices(more);
        const file = `${plane.folder}/crowd.json`;
        writeFileSync(
          file,
          JSON.stringify(identities.map((identity, index) => ({ name: more[index], ...identity }))),
        );
        const { process: fleet } = await startScript("fleet", [
          `mqtt://127.0.0.1:${gateway.ports.mqtt}`,
          file,
        ]);
        crowd.use(fleet).stdin.write("go\n");
        await ready.all(more, "True", 120_000);
      }
      await waitFor(() => devices.every(({ device }) => device.waitingReports === 0), {
        what: "stored boots",
        deadlineMs: 30_000,
      });
      let line = 0;
      using logging = setInterval(() => {
        line += 1;
        for (const { device } of devices) device.log(`line ${line}`);
      }, scale.lineEveryMs);
      await delay(3_000);
      const termMs = performance.now();
      gateway.process.kill("SIGTERM");
      const exit = await gateway.process.exited;
      const tookMs = performance.now() - termMs;
      clearInterval(logging);
      const acked = new Map(devices.map(({ name, device }) => [name, line - device.waitingReports]));
      assert.deepEqual(exit, { code: 0, signal: null });
      assert.deepEqual(ready.since(termMs), []);
      const uids = new Map(
        (await rig.list<Device>(devicesPath)).map(({ metadata }) => [metadata.name, metadata.uid ?? ""]),
      );
      const stored = storedLines(rig.storePath);
      const lost = [...acked].filter(([name, count]) => (stored.get(uids.get(name) ?? "") ?? 0) < count);
      const sum = [...acked.values()].reduce((total, count) => total + count, 0);
      t.diagnostic(
        `ended after ${Math.round(tookMs)} ms; ${sum} of ${line * devices.length} lines acknowledged, of ${lost.length} devices some are lost`,
      );
      assert.deepEqual(lost, []);
      assert.ok(sum > 0);
      assert.ok(tookMs <= 5_000, `${tookMs} ms`);
      await gateway.start();
      await waitFor(
        () => devices.every(({ device }) => device.state === "online" && device.waitingReports === 0),
        {
          what: "all devices to be back with nothing unsaid",
          deadlineMs: 60_000,
        },
      );
      // Only one process can have the store open.
      await gateway.process.stop();
      const complete = [...storedLines(rig.storePath).values()].filter((count) => count === line).length;
      t.diagnostic(`${complete} logs hold all ${line} lines after the next start`);
      assert.deepEqual(ready.since(termMs), []);
    },
  );
});

/** How many of the lines `line <n>` the store holds without a gap from 1 on, by device's UID. */
function storedLines(path: string): ReadonlyMap<string, number> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database
      .prepare("SELECT device, text FROM log_lines WHERE text LIKE 'line %' ORDER BY id")
      .all();
    const highest = new Map<string, number>();
    for (const { device, text } of rows as { device: string; text: string }[]) {
      const number = Number(/^line (\d+)/.exec(text)?.[1]);
      if (number === (highest.get(device) ?? 0) + 1) highest.set(device, number);
    }
    return highest;
  } finally {
    database.close();
  }
}
