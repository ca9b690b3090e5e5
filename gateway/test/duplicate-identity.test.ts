import assert from "node:assert/strict";
import { test } from "node:test";
import { ByeReason, type HelloMessage } from "@motelet/profiles";
import { duplicateHoldMs } from "../src/devices/duplicate-watch.ts";
import { key, spec, startPlaneBed } from "./fakes/plane-under-test.ts";
import { WireDevice } from "./fakes/wire-device.ts";

/* Boards with one identity at the device plane: each hello comes over a connection of its own, as over MQTT. */

function startBed() {
  const bed = startPlaneBed();
  const { links: _, ...rest } = spec;
  const identity = { wireId: "lamp", generation: 1, password: "secret" };
  bed.registry.remove(key);
  bed.registry.admit({ ...rest, identity });
  let open: WireDevice | undefined;
  /** A board comes, and ends the connection that was there. */
  const come = async (peer: string, hello: Partial<HelloMessage>): Promise<number> => {
    open?.unplug();
    open = new WireDevice({ kind: "wire-id", wireId: "lamp", generation: 1 }, 500, peer).plug(
      bed.plane.acceptor,
    );
    await bed.join(open, hello);
    bed.clock.advance(1_000);
    await bed.commit();
    return open.last("welcome")?.sid ?? 0;
  };
  const facts = () => bed.registry.get(key)!;
  const devices = () => bed.metrics.valueOf("motelet_duplicate_identities");
  return { ...bed, come, facts, devices };
}

const a = { boot: 7, hardwareId: Uint8Array.of(0xaa), uptimeS: 500 };
const b = { boot: 3, hardwareId: Uint8Array.of(0xbb), uptimeS: 20 };

test("two boards that take the session from each other are named, until ten minutes passed without it", async () => {
  const t = startBed();
  await t.come("192.0.2.7:1001", a);
  await t.come("192.0.2.9:1002", b);
  assert.equal(t.facts().duplicate, undefined);
  assert.equal(await t.devices(), 0);
  await t.come("192.0.2.7:1003", { ...a, uptimeS: 502 });
  const users = [
    { peer: "192.0.2.9:1002", hardwareId: "bb", boot: 3 },
    { peer: "192.0.2.7:1003", hardwareId: "aa", boot: 7 },
  ];
  assert.deepEqual(t.facts().duplicate, { users });
  assert.equal(await t.devices(), 1);
  // The turns that follow say nothing new, and are no restarts; the first one could have been.
  for (let turn = 4; turn < 20; turn++) {
    const [address, board] = turn % 2 ? ["192.0.2.7", a] : ["192.0.2.9", b];
    await t.come(`${address}:${turn}`, { ...board, uptimeS: board.uptimeS + turn });
  }
  assert.deepEqual(t.facts().duplicate, { users });
  assert.equal(t.facts().restarts, 1);
  assert.equal(t.facts().phase, "Online");

  t.clock.advance(duplicateHoldMs - 5_000);
  assert.deepEqual(t.facts().duplicate, { users });
  t.clock.advance(5_000);
  assert.equal(t.facts().duplicate, undefined);
  assert.equal(await t.devices(), 0);
});

test("another pair of boards is named instead", async () => {
  const t = startBed();
  for (const peer of ["192.0.2.7:1", "192.0.2.9:2", "192.0.2.7:3"])
    await t.come(peer, peer.startsWith("192.0.2.7") ? a : b);
  await t.come("192.0.2.11:4", { boot: 9, hardwareId: Uint8Array.of(0xcc) });
  await t.come("192.0.2.9:5", { ...b, uptimeS: 40 });
  assert.deepEqual(
    t.facts().duplicate?.users.map(({ hardwareId }) => hardwareId),
    ["cc", "bb"],
  );
});

test("boards with one hardware id and one boot number are told apart by the sessions that they know", async () => {
  const t = startBed();
  const first = await t.come("192.0.2.7:1", { boot: 1 });
  await t.come("192.0.2.9:2", { boot: 1 });
  assert.equal(t.facts().duplicate, undefined);
  await t.come("192.0.2.7:3", { boot: 1, sid: first });
  assert.deepEqual(
    t.facts().duplicate?.users.map(({ peer }) => peer),
    ["192.0.2.9:2", "192.0.2.7:3"],
  );
});

test("a board on a serial line and one over MQTT that have one identity are named", async () => {
  const t = startPlaneBed();
  t.registry.remove(key);
  const identity = { wireId: "lamp", generation: 1, password: "secret" };
  t.registry.admit({ ...spec, identity, links: [...(spec.links ?? []), { carrier: "mqtt" }] });
  const serial = new WireDevice(undefined, 500, "pty:lamp").plug(t.plane.acceptor);
  await t.join(serial, a);
  const mqtt = new WireDevice({ kind: "wire-id", wireId: "lamp", generation: 1 }, 500, "192.0.2.9:2").plug(
    t.plane.acceptor,
  );
  await t.join(mqtt, b);
  assert.equal(t.registry.get(key)?.duplicate, undefined);
  await t.join(serial, { ...a, uptimeS: a.uptimeS + 1 });
  assert.deepEqual(
    t.registry.get(key)?.duplicate?.users.map(({ peer, hardwareId }) => [peer, hardwareId]),
    [
      ["192.0.2.9:2", "bb"],
      ["pty:lamp", "aa"],
    ],
  );
});

test("a power cycle over a half-open connection, and a board that comes again and again, are one board", async () => {
  const t = startBed();
  const halfOpen = new WireDevice({ kind: "wire-id", wireId: "lamp", generation: 1 }).plug(t.plane.acceptor);
  await t.join(halfOpen, a);
  let sid = await t.come("192.0.2.7:1", { ...a, boot: 8, uptimeS: 1 });
  assert.equal(halfOpen.last("bye")?.reason, ByeReason.superseded);
  for (let turn = 2; turn < 20; turn++)
    sid = await t.come(`192.0.2.7:${turn}`, { ...a, boot: 8, uptimeS: turn, sid });
  for (let boot = 9; boot < 30; boot++) await t.come(`192.0.2.7:${boot}`, { ...a, boot, uptimeS: 1 });
  assert.equal(t.facts().duplicate, undefined);
  assert.equal(t.facts().restarts, 22);
});

test("a Device that is deleted takes what was noticed along", async () => {
  const t = startBed();
  for (const peer of ["192.0.2.7:1", "192.0.2.9:2", "192.0.2.7:3"])
    await t.come(peer, peer.startsWith("192.0.2.7") ? a : b);
  assert.equal(await t.devices(), 1);
  t.registry.remove(key);
  assert.equal(await t.devices(), 0);
});
