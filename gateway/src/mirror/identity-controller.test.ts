import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { device, devices, lamp, secrets, setUp } from "../../test/fakes/mirror-under-test.ts";

const secret = (name: string, data: Record<string, string>) =>
  ({
    metadata: { name, namespace: "default", labels: { "motelet.dev/identity": "device" } },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])),
  }) as never;

test("a Secret that a Device names and that is not there is waited for, never made", async () => {
  await using t = await setUp();
  t.server.put(devices, device("lamp", { spec: { identity: { secretName: "mine" } } }));
  const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
  await until("the reason", () => status().includes("SecretNotFound"));
  assert.equal(t.server.count("POST", secrets), 0);
  t.server.put(secrets, secret("mine", { wireId: "mylamp", password: "x" }));
  await until("the identity", () => t.registry.get(lamp)?.spec.identity?.wireId === "mylamp");
  await until("the condition", () => status().includes("SecretExists"));
});

for (const [what, data] of [
  ["no wire id", { password: "x" }],
  ["a wire id of 13 letters", { wireId: "abcdefghijklm", password: "x" }],
  ["no password", { wireId: "mylamp" }],
  ["a generation of 0", { wireId: "mylamp", password: "x", generation: "0" }],
  ["a key of 15 bytes", { wireId: "mylamp", password: "x", key: "x".repeat(15) }],
] as const) {
  test(`a Secret with ${what} gives no identity, and the Device says so until it is mended`, async () => {
    await using t = await setUp((server) => server.put(secrets, secret("lamp-identity", data)));
    t.server.put(devices, device("lamp"));
    const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
    await until("the reason", () => status().includes("SecretInvalid"));
    assert.equal(t.registry.get(lamp)?.spec.identity, undefined);
    t.server.put(secrets, secret("lamp-identity", { wireId: "abcdefghijkl", password: "x" }));
    await until("the identity", () => t.registry.get(lamp)?.spec.identity?.wireId === "abcdefghijkl");
    await until("the condition", () => status().includes("SecretExists"));
  });
}

test("a wire id is free again when its device is gone, or has another one", async () => {
  const data = { wireId: "samesame", password: "x" };
  await using t = await setUp((server) => server.put(secrets, secret("lamp-identity", data)));
  t.server.put(devices, device("lamp"));
  const wireIdOf = (key: string) => t.registry.get(key)?.spec.identity?.wireId;
  await until("the first", () => wireIdOf(lamp) === "samesame");
  t.server.put(secrets, secret("lamp-identity", { ...data, wireId: "another" }));
  await until("its other id", () => wireIdOf(lamp) === "another");
  t.server.put(secrets, secret("fan-identity", data));
  t.server.put(devices, device("fan"));
  await until("the second", () => wireIdOf("default/fan") === "samesame");
  t.server.remove(`${devices}/fan`);
  await until("its end", () => t.registry.get("default/fan") === undefined);
  t.server.put(secrets, secret("bell-identity", data));
  t.server.put(devices, device("bell"));
  await until("the third", () => wireIdOf("default/bell") === "samesame");
});
