import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../foundation/metrics.ts";
import type { DeviceSpec } from "./device.ts";
import { Identities } from "./identities.ts";
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
  const who = new Identities(registry, metrics);
  who.start();
  const revoked: string[] = [];
  who.onRevoked((wireId) => revoked.push(wireId));
  const ask = (wireId = "abc", password = "secret", generation = 1) => {
    const verdict = who.authenticate({ wireId, generation, password: Buffer.from(password), peer: "test" });
    return verdict.admitted ? "admitted" : verdict.reason;
  };
  return { registry, metrics, who, revoked, ask };
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

test("a login without the proof is a fact of the device whose id it showed, and of no other", async () => {
  const { registry, ask } = identities();
  registry.admit(lamp);
  ask("abc", "wrong");
  ask("abd", "wrong");
  ask("abc", "secret", 2);
  ask();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(registry.get("default/lamp")?.failedLogins, { count: 2, reason: "wrong-generation" });
});

test("a handshake without the proof is such a fact, too, also of an earlier generation; of nobody's id it is only counted", async () => {
  const { registry, who, metrics } = identities();
  const failures = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return registry.get("default/lamp")?.failedLogins;
  };
  registry.admit(lamp);
  who.unproved({ wireId: "abd", generation: 1 });
  assert.equal(await failures(), undefined);
  who.unproved({ wireId: "abc", generation: 1 });
  assert.deepEqual(await failures(), { count: 1, reason: "wrong-key" });
  who.unproved({ wireId: "abc", generation: 2 });
  assert.deepEqual(await failures(), { count: 2, reason: "wrong-generation" });
  registry.admit({ ...lamp, paused: true });
  who.unproved({ wireId: "abc", generation: 1 });
  assert.equal((await failures())?.count, 2);
  const counted = (verdict: string) => metrics.valueOf("motelet_authentications_total", { verdict });
  assert.deepEqual(
    await Promise.all(["unknown-id", "wrong-key", "wrong-generation"].map(counted)),
    [1, 2, 1],
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
