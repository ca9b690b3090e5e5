import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadyPace } from "./ready-pace.ts";

const pace = () => new ReadyPace({ burst: 50, refillMs: 200 }, 0);

test("fifty go at once, the next ones 200 ms apart in the order in which they came", () => {
  const line = pace();
  for (let n = 0; n < 50; n++) assert.equal(line.take(`early-${n}`, 0), 0);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => line.take(key, 0)),
    [200, 400, 600],
  );
  assert.equal(line.take("newcomer", 200), 600);
  assert.equal(line.take("b", 200), 200);
  assert.equal(line.take("a", 200), 0);
  assert.equal(line.take("b", 400), 0);
  assert.equal(line.waiting, 2);
});

test("a thousand that fall silent are through after 190 s, none before its turn", () => {
  const line = pace();
  const keys = Array.from({ length: 1_000 }, (_, n) => `device-${n}`);
  const due = new Map(keys.map((key) => [key, 0]));
  let changed = 0;
  let nowMs = 0;
  for (; due.size > 0; nowMs += 100) {
    for (const [key, atMs] of due) {
      if (atMs > nowMs) continue;
      const waitMs = line.take(key, nowMs);
      if (waitMs > 0) due.set(key, nowMs + waitMs);
      else due.delete(key);
      if (waitMs === 0) changed += 1;
      assert.ok(changed <= 51 + nowMs / 200, `${changed} changes after ${nowMs} ms`);
    }
  }
  assert.ok(nowMs >= 190_000 && nowMs < 197_000, `${nowMs} ms`);
});

test("those who leave make way, so that returning devices are Ready at once", () => {
  const line = pace();
  for (let n = 0; n < 50; n++) line.take(`gone-${n}`, 0);
  for (let n = 50; n < 1_000; n++) line.take(`gone-${n}`, 0);
  for (let n = 50; n < 1_000; n++) line.leave(`gone-${n}`);
  assert.equal(line.take("gone-0", 200), 0);
  assert.equal(line.waiting, 0);
});

test("one who does not come back holds up nobody for longer than one turn", () => {
  const line = pace();
  for (let n = 0; n < 50; n++) line.take(`early-${n}`, 0);
  line.take("lost", 0);
  assert.equal(line.take("next", 0), 400);
  assert.equal(line.take("next", 400), 0);
});

test("who waits is called when the turn comes, and nobody has to ask", () => {
  const line = pace();
  assert.deepEqual(line.called(0), { keys: [], againMs: undefined });
  for (let n = 0; n < 50; n++) line.take(`early-${n}`, 0);
  const keys = Array.from({ length: 20 }, (_, n) => `device-${n}`);
  for (const key of keys) line.take(key, 0);
  assert.deepEqual(line.called(50), { keys: [], againMs: 150 });
  const changed: string[] = [];
  for (let nowMs = 200; line.waiting > 0; ) {
    const { keys: called, againMs = 0 } = line.called(nowMs);
    assert.deepEqual([called.length, againMs], [1, 200]);
    for (const key of called) if (line.take(key, nowMs) === 0) changed.push(key);
    nowMs += againMs;
  }
  assert.deepEqual(changed, keys);
});

test("one who does not come when called is called again, with the one behind", () => {
  const line = pace();
  for (let n = 0; n < 50; n++) line.take(`early-${n}`, 0);
  for (const key of ["lost", "next", "last"]) line.take(key, 0);
  assert.deepEqual(line.called(200).keys, ["lost"]);
  assert.deepEqual(line.called(400).keys, ["lost", "next"]);
  assert.equal(line.take("next", 400), 0);
  assert.deepEqual(line.called(400).keys, ["lost"]);
  line.leave("lost");
  assert.deepEqual(line.called(400), { keys: ["last"], againMs: 200 });
});
