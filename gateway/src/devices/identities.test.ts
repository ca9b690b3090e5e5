import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../foundation/metrics.ts";
import type { RefusedClient } from "../transport/directory.ts";
import type { DeviceSpec } from "./device.ts";
import { Identities } from "./identities.ts";
import type { RefusalNotes } from "./refusal-notes.ts";
import { Registry } from "./registry.ts";

const lamp: DeviceSpec = {
  namespace: "default",
  name: "lamp",
  uid: "u1",
  nodeName: "lamp",
  identity: { wireId: "abc", generation: 1, password: "secret" },
  paused: false,
};
const other: DeviceSpec = { ...lamp, name: "other", uid: "u2", nodeName: "other" };

function identities() {
  const registry = new Registry(() => 0);
  const metrics = new Metrics();
  const noted: string[] = [];
  const note: RefusalNotes["note"] = (key, { code }) => void noted.push(`${key} ${code}`);
  const who = new Identities(registry, metrics, { note });
  who.start();
  const revoked: string[] = [];
  who.onRevoked((wireId) => revoked.push(wireId));
  const ask = (wireId = "abc", password = "secret", generation = 1) => {
    const verdict = who.authenticate({ wireId, generation, password: Buffer.from(password), peer: "test" });
    return verdict.admitted ? "admitted" : verdict.reason;
  };
  return { registry, metrics, who, revoked, noted, ask };
}

test("only the right password of the right generation of a known id is admitted, each refusal says why", async () => {
  const { registry, ask, metrics } = identities();
  registry.admit(lamp);
  assert.equal(ask(), "admitted");
  assert.equal(ask("abd"), "unknown-id");
  assert.equal(ask("abc", "secret", 2), "wrong-generation");
  assert.equal(ask("abc", "Secret"), "wrong-password");
  assert.equal(ask("abc", ""), "wrong-password");
  registry.admit({ ...lamp, paused: true });
  assert.equal(ask(), "paused");
  assert.equal(await metrics.valueOf("motelet_authentications_total", { verdict: "wrong-password" }), 2);
});

test("a refusal is noted at the device that was named: by the first name that is a device's", async () => {
  const { registry, who, noted } = identities();
  registry.admit(lamp);
  registry.admit({ ...other, identity: { wireId: "xyz", generation: 1, password: "secret" } });
  const cases: readonly (readonly [Partial<RefusedClient>, string | undefined])[] = [
    [{ reason: "wrong-password", names: ["abc"] }, "default/lamp wrong-password"],
    [{ reason: "wrong-generation", names: ["abc.2"] }, "default/lamp wrong-generation"],
    [{ reason: "user-name", names: ["lamp", "abc"] }, "default/lamp user-name"],
    [{ reason: "user-name", names: ["abc", "abc"] }, "default/lamp user-name"],
    [{ reason: "client-id", names: ["abc.1", "xyz"] }, "default/lamp client-id"],
    [{ reason: "client-id", names: ["gone.1", "xyz"] }, "default/other client-id"],
    [{ reason: "client-certificate", names: ["abc.1"] }, "default/lamp client-certificate"],
    // A transport asks for a key, and gets none also where the generation is another.
    [{ reason: "wrong-key", lacksKey: true, names: ["abc.1"] }, "default/lamp wrong-key"],
    [{ reason: "unknown-psk-identity", lacksKey: true, names: ["abc.2"] }, "default/lamp wrong-generation"],
    [{ reason: "unknown-psk-identity", lacksKey: true, names: ["abc.1"] }, "default/lamp wrong-key"],
    [{ reason: "unknown-psk-identity", lacksKey: true, names: ["abc"] }, "default/lamp unknown-psk-identity"],
    [{ reason: "unknown-id", names: ["gone"] }, undefined],
    // Nothing that the owner could correct.
    [{ reason: "stalled", text: undefined as never, names: ["abc"] }, undefined],
    [{ reason: "user-name", names: ["lamp", "default/lamp", "__proto__", "x".repeat(2_000)] }, undefined],
  ];
  const text = { unproved: true, text: "a carrier's own words" };
  for (const [client, expected] of cases) {
    noted.length = 0;
    who.refused({ reason: "user-name", text, peer: "192.0.2.9", names: [], ...client });
    assert.deepEqual(noted, [], "not before the answer: its time must not tell which ids exist");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(noted, expected === undefined ? [] : [expected], client.reason);
  }
});

test("what a handshake did not prove is counted beside the credentials that were judged", async () => {
  const { registry, who, metrics } = identities();
  registry.admit(lamp);
  for (const name of ["abd.1", "abc.1", "abc.2"])
    who.refused({ reason: "unknown-psk-identity", lacksKey: true, peer: "192.0.2.9", names: [name] });
  who.refused({ reason: "will", peer: "192.0.2.9", names: ["abc.1"] });
  const counted = (verdict: string) => metrics.valueOf("motelet_authentications_total", { verdict });
  assert.deepEqual(
    await Promise.all(["unknown-id", "wrong-key", "wrong-generation", "will"].map(counted)),
    [1, 1, 1, 0],
  );
});

test("removal, another password, another generation, another id, a pause and a recreation revoke; facts do not", () => {
  const changes: readonly (DeviceSpec | undefined)[] = [
    undefined,
    { ...lamp, identity: { wireId: "abc", generation: 1, password: "new" } },
    { ...lamp, identity: { wireId: "abc", generation: 2, password: "secret" } },
    { ...lamp, identity: { wireId: "xyz", generation: 1, password: "secret" } },
    { ...lamp, paused: true },
    { ...lamp, uid: "u9" },
  ];
  for (const change of changes) {
    const { registry, revoked } = identities();
    registry.admit(lamp);
    registry.learn("default/lamp", { phase: "Online" });
    registry.admit({ ...lamp, nodeName: "renamed" });
    assert.deepEqual(revoked, []);
    if (change) registry.admit(change);
    else registry.remove("default/lamp");
    assert.deepEqual(revoked, ["abc"]);
  }
});

test("a wire id belongs to the first device; the next one gets it when that is gone", async () => {
  const { registry, who, metrics, ask } = identities();
  registry.admit(lamp);
  registry.admit(other);
  assert.equal(who.deviceOf("abc", 1), "default/lamp");
  assert.equal(await metrics.valueOf("motelet_wire_id_conflicts_total"), 1);
  registry.remove("default/lamp");
  assert.equal(who.deviceOf("abc", 1), "default/other");
  assert.equal(ask(), "admitted");
  assert.equal(who.deviceOf("abc", 2), undefined);
});

test("the pre-shared key is the identity's own or else its password, and only for the generation that holds", () => {
  const { registry, who } = identities();
  const keyText = (generation: number, wireId = "abc") => {
    const key = who.pskOf({ wireId, generation });
    return key && Buffer.from(key).toString();
  };
  assert.equal(keyText(1), undefined);
  registry.admit(lamp);
  assert.equal(keyText(1), "secret");
  assert.equal(keyText(2), undefined);
  assert.equal(keyText(1, "abd"), undefined);
  const key = Buffer.from("sixteen bytes ok");
  registry.admit({ ...lamp, identity: { wireId: "abc", generation: 2, password: "secret", key } });
  assert.equal(keyText(1), undefined);
  assert.equal(keyText(2), "sixteen bytes ok");
  registry.remove("default/lamp");
  assert.equal(keyText(2), undefined);
});

test("an identity that the transport has proved is admitted as one with the right password is", () => {
  const { registry, who } = identities();
  const admit = (generation: number) => {
    const verdict = who.admit({ wireId: "abc", generation });
    return verdict.admitted ? "admitted" : verdict.reason;
  };
  assert.equal(admit(1), "unknown-id");
  registry.admit(lamp);
  assert.equal(admit(1), "admitted");
  assert.equal(admit(2), "wrong-generation");
  registry.admit({ ...lamp, paused: true });
  assert.equal(admit(1), "paused");
});

test("another pre-shared key under the same password revokes", () => {
  const { registry, revoked } = identities();
  const identity = { wireId: "abc", generation: 1, password: "secret" };
  registry.admit({ ...lamp, identity: { ...identity, key: Buffer.alloc(16, 1) } });
  registry.admit({ ...lamp, identity: { ...identity, key: Buffer.alloc(16, 1) } });
  assert.deepEqual(revoked, []);
  registry.admit({ ...lamp, identity: { ...identity, key: Buffer.alloc(16, 2) } });
  assert.deepEqual(revoked, ["abc"]);
});

test("in a rotation both generations hold until a hello came under the new one, and nobody is cut off", () => {
  const { registry, revoked, ask, who } = identities();
  const key = "default/lamp";
  registry.admit(lamp);
  registry.learn(key, { phase: "Online", identityGeneration: 1 });
  const previous = { generation: 1, password: "secret" };
  const rotating = { ...lamp, identity: { wireId: "abc", generation: 2, password: "new", previous } };
  registry.admit(rotating);
  assert.deepEqual(revoked, []);
  assert.deepEqual([ask(), ask("abc", "new", 2)], ["admitted", "admitted"]);
  assert.deepEqual([ask("abc", "new", 1), ask("abc", "secret", 2)], ["wrong-password", "wrong-password"]);
  assert.deepEqual([who.deviceOf("abc", 1), who.deviceOf("abc", 2)], [key, key]);
  assert.equal(Buffer.from(who.pskOf({ wireId: "abc", generation: 1 }) ?? []).toString(), "secret");
  registry.learn(key, { identityGeneration: 1 });
  assert.equal(ask(), "admitted");
  registry.learn(key, { identityGeneration: 2 });
  assert.deepEqual([ask(), ask("abc", "new", 2)], ["wrong-generation", "admitted"]);
  assert.equal(who.deviceOf("abc", 1), undefined);
  assert.equal(who.pskOf({ wireId: "abc", generation: 1 }), undefined);
  // The device goes on under the new one when the earlier one leaves the Secret.
  registry.admit({ ...lamp, identity: { wireId: "abc", generation: 2, password: "new" } });
  assert.deepEqual(revoked, []);
});

test("a gateway that starts anew knows from the status that a rotation is over", () => {
  const { registry, ask } = identities();
  const previous = { generation: 1, password: "secret" };
  const identity = { wireId: "abc", generation: 2, password: "new", previous };
  registry.admit(
    { ...lamp, identity },
    { phase: "Online", identityGeneration: 2, hardware: {}, capabilities: [] },
  );
  assert.deepEqual([ask(), ask("abc", "new", 2)], ["wrong-generation", "admitted"]);
});

test("an earlier generation that leaves the Secret before the device has moved is revoked", () => {
  const { registry, revoked } = identities();
  const previous = { generation: 1, password: "secret" };
  const identity = { wireId: "abc", generation: 2, password: "new", previous };
  registry.admit({ ...lamp, identity });
  registry.admit({ ...lamp, identity: { wireId: "abc", generation: 2, password: "new" } });
  assert.deepEqual(revoked, ["abc"]);
});

test("carriers that try keys are told of new ones, of rotations, and of the end of both", () => {
  const { registry, who } = identities();
  const told: string[] = [];
  who.onKeysChanged((wireId) => {
    told.push(
      `${wireId}: ${who.keysOf(wireId).map(({ generation, key, secretUid }) => `${generation} ${Buffer.from(key)} ${secretUid}`)}`,
    );
  });
  const identity = { wireId: "abc", secretUid: "s1", generation: 1, password: "old" };
  registry.admit({ ...lamp, identity });
  assert.deepEqual([...who.wireIds()], ["abc"]);
  const previous = { generation: 1, password: "old" };
  registry.admit({ ...lamp, identity: { ...identity, generation: 2, password: "new", previous } });
  registry.learn("default/lamp", { identityGeneration: 2 });
  registry.remove("default/lamp");
  assert.deepEqual(told, ["abc: 1 old s1", "abc: 2 new s1,1 old s1", "abc: 2 new s1", "abc: "]);
  assert.deepEqual([...who.wireIds()], []);
});
