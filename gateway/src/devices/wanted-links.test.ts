import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceSpec } from "./device.ts";
import { Registry } from "./registry.ts";
import { RegistryLinks } from "./wanted-links.ts";

const device = (name: string, ...ports: string[]): DeviceSpec => ({
  namespace: "default",
  name,
  uid: name,
  nodeName: name,
  links: ports.map((port) => ({ carrier: "serial", port })),
  paused: false,
});

test("wanted are the ports that devices name, each for the first that named it, and changes are told", () => {
  const registry = new Registry(() => 0);
  registry.admit(device("a", "p1"));
  const links = new RegistryLinks(registry);
  links.start();
  let changes = 0;
  links.onChanged(() => changes++);
  registry.admit(device("b", "p1", "p2"));
  assert.deepEqual(links.ports("serial"), [
    { port: "p1", device: "default/a" },
    { port: "p2", device: "default/b" },
  ]);
  registry.learn("default/a", { phase: "Online" });
  registry.admit(device("b", "p1", "p2"));
  assert.equal(changes, 1);
  registry.admit(device("a"));
  assert.equal(links.deviceOf("serial", "p1"), "default/b");
  registry.remove("default/b");
  assert.deepEqual([links.ports("serial"), changes], [[], 3]);
});
