import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BeatMessage } from "@motelet/profiles";
import { kubernetesVersion } from "../../control-plane/assets.ts";
import { gatewayWrites, tally, writesOfDevices } from "../../rig/cluster/audit-log.ts";
import { NodePlane, stepClockFlag } from "../../rig/cluster/node-plane.ts";

/*
 * What a fleet costs the API server, as its own audit log has it: quiet devices, devices that toggle as much as they can,
 * and a clock that is stepped back midway. MOTELET_SOAK=1: 200 devices for 20 minutes.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
/** Two Leases' lengths: each device is renewed exactly twice. */
const scale = soak
  ? { quiet: 190, toggling: 10, heartbeatS: 10, windowMs: 20 * 60_000 }
  : { quiet: 20, toggling: 2, heartbeatS: 1, windowMs: 40_000 };
/** A device's first changes of status are free; in a window of 20 minutes that is a small part, in a short one it is not. */
const burstWrites = soak ? 0 : 20;
const stepMs = -10 * 60_000;

/** Heap and signal are good in one beat and bad in the next. */
function toggling(): (beat: BeatMessage) => BeatMessage {
  let bad = false;
  return (beat) => {
    bad = !bad;
    return { ...beat, heapFree64: bad ? 64 : 4096, rssiDbm: bad ? -95 : -50 };
  };
}

test(`${scale.quiet + scale.toggling} devices for ${scale.windowMs / 1000} s, and a clock stepped back midway`, {
  timeout: scale.windowMs + 240_000,
}, async (t) => {
  await using rig = await NodePlane.start({
    audit: true,
    settings: { "session.heartbeatS": String(scale.heartbeatS), "mirror.readyBurst": "1000" },
    nodeFlags: [stepClockFlag],
  });
  const quiet = Array.from({ length: scale.quiet }, (_, index) => `quiet${index}`);
  const busy = Array.from({ length: scale.toggling }, (_, index) => `busy${index}`);
  const devices = await rig.bringUp([...quiet, ...busy], {
    beat: (name) => (name.startsWith("busy") ? toggling() : undefined),
    deadlineMs: 120_000,
  });
  // What comes after Ready (taints, Pods, Events, the first conditions) is no part of rest.
  await delay(soak ? 60_000 : 5_000);

  const fromMs = Date.now();
  const steadyMs = performance.now();
  await delay(scale.windowMs / 2);
  await rig.stepGatewayClock(stepMs);
  await delay(scale.windowMs / 2);
  const toMs = Date.now();

  assert.deepEqual(rig.ready.since(steadyMs), [], "no Ready changed");
  assert.equal(rig.ready.count([...quiet, ...busy], "True"), devices.length);
  const writes = await gatewayWrites(rig.auditLogPath, fromMs, toMs);
  const seconds = (toMs - fromMs) / 1000;
  const byDevice = writesOfDevices(writes, [...quiet, ...busy]);
  const rates = (names: readonly string[]) =>
    names.map((name) => (byDevice.get(name)?.length ?? 0) / seconds);
  const of = (names: readonly string[]) => tally(names.flatMap((name) => byDevice.get(name) ?? []));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const quietRates = rates(quiet);
  const busyRates = rates(busy);
  const figures = (name: string, values: readonly number[]) =>
    `${name}: mean ${mean(values).toFixed(4)}/s, most ${Math.max(...values).toFixed(4)}/s`;
  t.diagnostic(
    `Kubernetes ${kubernetesVersion()}, ${seconds.toFixed(0)} s, clock stepped by ${stepMs / 1000} s`,
  );
  t.diagnostic(`${figures("quiet", quietRates)} (${of(quiet)})`);
  t.diagnostic(`${figures("toggling", busyRates)} (${of(busy)})`);
  const known = new Set([...byDevice.values()].flat());
  const others = writes.filter((write) => !known.has(write));
  t.diagnostic(`of no device: ${tally(others) || "nothing"}`);
  // A short window is still in the first half minute, where a device's clock is looked at: one that was set before the step
  // is off now, which is one write. And a window cuts between renewals: one more or less is a large share of a short one.
  const slack = soak ? 0 : 1 / seconds;
  assert.ok(mean(quietRates) <= 0.06 + slack, figures("quiet", quietRates));
  assert.ok(Math.max(...quietRates) <= 0.06 + 2 * slack, figures("quiet", quietRates));
  assert.ok(
    Math.max(...busyRates) <= 0.2 + burstWrites / seconds + 2 * slack,
    figures("toggling", busyRates),
  );
});
