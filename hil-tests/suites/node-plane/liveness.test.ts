import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { NodePlane, type RigDevice } from "../../rig/cluster/node-plane.ts";
import { TcpProxy } from "../../rig/wire/tcp-proxy.ts";

/*
 * How long a Node stays Ready whose device does not answer any more, and how soon it is Ready again. MOTELET_SOAK=1: the
 * default heartbeat, as many devices as changes of Ready are written at once, twice. The short run has a second try: the
 * machine may be busy with something else.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const scale = soak ? { each: 12, heartbeatS: 10, trials: 2 } : { each: 4, heartbeatS: 2, trials: 1 };
const lostWithinMs = 2500 * scale.heartbeatS + 1000;
const readyWithinMs = 1000;
/** The default burst of 50 is full again at 5/s. */
const refillMs = 10_000;

/** Ways to go away; all but the first by a proxy between device and gateway. */
const ways = ["frozen", "FIN", "RST", "silence"] as const;
type Way = (typeof ways)[number];

function goAway(way: Way, { device, proxy }: { device: RigDevice; proxy: TcpProxy }): void {
  if (way === "frozen") device.freeze();
  else if (way === "FIN") proxy.end();
  else if (way === "RST") proxy.reset();
  else proxy.fallSilent();
}

test(`${scale.each} devices each that freeze, or vanish by ${ways.slice(1).join(", ")}`, {
  timeout: 300_000,
}, async (t) => {
  await using rig = await NodePlane.start({ settings: { "session.heartbeatS": String(scale.heartbeatS) } });
  await using stack = new AsyncDisposableStack();
  const members = ways.flatMap((way) =>
    Array.from({ length: scale.each }, (_, index) => ({ way, name: `${way.toLowerCase()}${index}` })),
  );
  const proxies = new Map<string, TcpProxy>();
  for (const { name } of members) proxies.set(name, stack.use(await TcpProxy.start(rig.gateway.ports.mqtt)));
  const devices = await rig.bringUp(
    members.map(({ name }) => name),
    { port: (name) => proxies.get(name)?.port },
  );
  const all = members.map((member, index) => ({
    ...member,
    device: devices[index] as RigDevice,
    proxy: proxies.get(member.name) as TcpProxy,
  }));
  const names = all.map(({ name }) => name);
  const lostMs = new Map<Way, number>(ways.map((way) => [way, 0]));
  const backMs = new Map<Way, number>(ways.map((way) => [way, 0]));
  const inTime = () =>
    ways.every((way) => (lostMs.get(way) ?? 0) <= lostWithinMs && (backMs.get(way) ?? 0) <= readyWithinMs);
  const noteMost = (figures: Map<Way, number>, way: Way, ms: number) =>
    figures.set(way, Math.max(figures.get(way) ?? 0, ms));

  // Where a round takes a small part of the burst there is enough for the next.
  const burstIsFull = () => delay(names.length * (2 * scale.trials - 1) > 50 ? refillMs : 0);

  for (let trial = 0; trial < scale.trials || (!soak && trial < 2 && !inTime()); trial++) {
    if (!soak) for (const figures of [lostMs, backMs]) figures.clear();
    await burstIsFull();
    const awayMs = performance.now();
    const heardMs = new Map(all.map(({ name, device }) => [name, device.link.lastSentMs]));
    for (const member of all) goAway(member.way, member);
    await rig.ready.all(names, "False", lostWithinMs + 10_000);
    for (const { name, way } of all) {
      const change = rig.ready.first(name, "False", awayMs);
      assert.equal(change?.reason, "DeviceOffline");
      noteMost(lostMs, way, (change?.atMs ?? Number.NaN) - (heardMs.get(name) ?? 0));
    }
    await burstIsFull();
    const returnMs = performance.now();
    for (const { way, device, proxy } of all) {
      if (way === "frozen") device.thaw();
      else proxy.pass();
    }
    await rig.ready.all(names, "True", 30_000);
    for (const { name, way, device } of all) {
      const hello = device.link.hellosMs.find((helloMs) => helloMs > returnMs) ?? Number.NaN;
      noteMost(backMs, way, (rig.ready.first(name, "True", returnMs)?.atMs ?? Number.NaN) - hello);
    }
  }
  const max = (figures: ReadonlyMap<Way, number>) =>
    [...figures].map(([way, ms]) => `${way} ${Math.round(ms)} ms`).join(", ");
  t.diagnostic(`last word to Ready=False, most (limit ${lostWithinMs} ms): ${max(lostMs)}`);
  t.diagnostic(`hello to Ready=True, most (limit ${readyWithinMs} ms): ${max(backMs)}`);
  for (const way of ways) {
    assert.ok(
      (lostMs.get(way) ?? Number.NaN) <= lostWithinMs,
      `${way}: ${lostMs.get(way)} ms until Ready=False`,
    );
    assert.ok(
      (backMs.get(way) ?? Number.NaN) <= readyWithinMs,
      `${way}: ${backMs.get(way)} ms until Ready=True`,
    );
  }
});
