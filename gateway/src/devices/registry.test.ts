import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "./registry.ts";

const spec = { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false };
const key = "default/lamp";

test("each boot after the first one that was seen is a restart", () => {
  const registry = new Registry(() => 0);
  registry.admit(spec);
  const restarts: (number | undefined)[] = [];
  for (const boot of [7, 7, 8, 8, 0xffff_ffff, 3]) {
    registry.learn(key, { boot });
    restarts.push(registry.get(key)?.restarts);
  }
  assert.deepEqual(restarts, [undefined, undefined, 1, 1, 2, 3]);
});

test("what an earlier gateway counted is gone on with, and a Device made anew begins at none", () => {
  const registry = new Registry(() => 0);
  registry.admit(spec, { phase: "Online", boot: 4, restarts: 6 });
  registry.learn(key, { boot: 4 });
  assert.equal(registry.get(key)?.restarts, 6);
  registry.learn(key, { boot: 5 });
  assert.equal(registry.get(key)?.restarts, 7);
  registry.admit({ ...spec, uid: "another" });
  registry.learn(key, { boot: 6 });
  assert.equal(registry.get(key)?.restarts, undefined);
});
