import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectRequest, decideConnect, refusePublish, refuseSubscribe } from "./access.ts";

const good: ConnectRequest = { clientId: "lamp", userName: "lamp.3", cleanSession: true, hasWill: false };

test("a device connects with its wire id as client id and its generation in the user name", () => {
  assert.deepEqual(decideConnect(good), { allowed: true, wireId: "lamp", generation: 3 });
});

const refused: [string, Partial<ConnectRequest>, string][] = [
  ["no user name", { userName: undefined }, "user-name"],
  ["a user name without generation", { userName: "lamp" }, "user-name"],
  ["a user name with a wire id of 13 characters", { userName: "abcdefghijklm.1" }, "user-name"],
  ["another device's client id", { clientId: "door" }, "client-id"],
  ["an empty client id", { clientId: "" }, "client-id"],
  ["a client id in upper case", { clientId: "LAMP" }, "client-id"],
  ["a will", { hasWill: true }, "will"],
  ["a session that is to be kept", { cleanSession: false }, "persistent-session"],
];

for (const [name, change, reason] of refused) {
  test(`a CONNECT with ${name} is refused`, () => {
    assert.deepEqual(decideConnect({ ...good, ...change }), { allowed: false, reason });
  });
}

test("who was proved before CONNECT may leave the user name out, and may give no other", () => {
  const proven = { wireId: "lamp", generation: 3 };
  const allowed = { allowed: true, ...proven };
  assert.deepEqual(decideConnect(good, proven), allowed);
  assert.deepEqual(decideConnect({ ...good, userName: undefined }, proven), allowed);
  const wrongName = { allowed: false, reason: "user-name" };
  assert.deepEqual(decideConnect({ ...good, userName: "lamp.4" }, proven), wrongName);
  assert.deepEqual(decideConnect({ ...good, userName: "" }, proven), wrongName);
  assert.deepEqual(decideConnect({ ...good, userName: "door.3", clientId: "door" }, proven), wrongName);
  assert.deepEqual(decideConnect({ ...good, userName: undefined, clientId: "door" }, proven), {
    allowed: false,
    reason: "client-id",
  });
});

test("a device publishes to its own uplink only, unretained, with QoS 0", () => {
  const packet = { topic: "m/lamp/u", retain: false, qos: 0 };
  assert.equal(refusePublish("lamp", packet), undefined);
  assert.equal(refusePublish("door", packet), "publish-topic");
  assert.equal(refusePublish("lamp", { ...packet, topic: "m/lamp/d" }), "publish-topic");
  assert.equal(refusePublish("lamp", { ...packet, topic: "$SYS/x/new/clients" }), "publish-topic");
  assert.equal(refusePublish("lamp", { ...packet, retain: true }), "publish-retained");
  assert.equal(refusePublish("lamp", { ...packet, qos: 1 }), "publish-qos");
});

test("a device subscribes to its own downlink only", () => {
  assert.equal(refuseSubscribe("lamp", "m/lamp/d"), undefined);
  for (const filter of ["m/door/d", "m/lamp/u", "m/+/d", "m/lamp/#", "#", "$share/x/m/lamp/d", ""]) {
    assert.equal(refuseSubscribe("lamp", filter), "subscribe-topic");
  }
});
