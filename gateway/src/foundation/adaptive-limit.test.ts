import assert from "node:assert/strict";
import { test } from "node:test";
import { AdaptiveLimit } from "./adaptive-limit.ts";

const bounds = { min: 2, max: 24, start: 8 };

/**
 * A client that always has more to ask and a server that serves a number at a time, each in `serviceMs`, and lets the rest
 * wait; in turns of as many requests as the limit allows.
 * @returns the limits after each turn
 */
function play(
  limit: AdaptiveLimit,
  server: { at: number; serviceMs: number },
  turns: number,
  startMs = 0,
): number[] {
  let nowMs = startMs;
  return Array.from({ length: turns }, () => {
    const inFlight = limit.limit;
    const tookMs = server.serviceMs * Math.max(1, inFlight / server.at);
    nowMs += tookMs;
    for (let request = 0; request < inFlight; request++) limit.answered(tookMs, inFlight, nowMs);
    return limit.limit;
  });
}

const max = (limits: readonly number[]) => Math.max(...limits);
const min = (limits: readonly number[]) => Math.min(...limits);

test("a server whose answers stay quick is given as many requests as the bound allows, and none more", () => {
  const limit = new AdaptiveLimit(bounds);
  const limits = play(limit, { at: 1_000, serviceMs: 20 }, 200);
  assert.equal(limits.at(-1), 24);
  assert.equal(max(limits), 24);
});

test("a server that slows down is given fewer, never fewer than the bound", () => {
  const limit = new AdaptiveLimit(bounds);
  play(limit, { at: 1_000, serviceMs: 20 }, 200);
  const slow = play(limit, { at: 1, serviceMs: 20 }, 60, 4_000);
  assert.ok((slow.at(-1) ?? 0) <= 17, String(slow));
  assert.ok(min(slow) >= 2);
  // Ten times as slow, from one turn to the next: half in some windows.
  const bounded = new AdaptiveLimit({ ...bounds, start: 24 });
  play(bounded, { at: 1_000, serviceMs: 20 }, 10);
  const stalled = play(bounded, { at: 1_000, serviceMs: 2_000 }, 10, 1_000);
  assert.ok((stalled.at(-1) ?? 0) <= 12, String(stalled));
});

test("what was slow and becomes quick again gets its requests back", () => {
  const limit = new AdaptiveLimit(bounds);
  play(limit, { at: 1, serviceMs: 50 }, 100);
  const back = play(limit, { at: 1_000, serviceMs: 20 }, 400, 100_000);
  assert.equal(back.at(-1), 24);
});

test("a far server is not taken for a slow one", () => {
  const limit = new AdaptiveLimit(bounds);
  const limits = play(limit, { at: 1_000, serviceMs: 300 }, 200);
  assert.equal(limits.at(-1), 24);
});

test("refusals of one second take three tenths, down to the bound", () => {
  const limit = new AdaptiveLimit({ ...bounds, start: 20 });
  const wholeBurst = (atMs: number) => {
    for (let refusal = 0; refusal < 20; refusal++) limit.refused(atMs + refusal);
    return limit.limit;
  };
  assert.deepEqual([wholeBurst(0), wholeBurst(1_000), wholeBurst(2_000)], [14, 9, 6]);
  for (let second = 3; second < 20; second++) wholeBurst(second * 1_000);
  assert.equal(limit.limit, 2);
});

test("a limit that nobody reaches stays as it is", () => {
  const limit = new AdaptiveLimit(bounds);
  for (let answer = 0; answer < 1_000; answer++) limit.answered(20, 3, answer);
  assert.equal(limit.limit, 8);
});

test("every half minute the latency is measured with half the requests", () => {
  const limit = new AdaptiveLimit(bounds);
  const limits = play(limit, { at: 1_000, serviceMs: 100 }, 700);
  const probes = limits.filter((each) => each === 12).length;
  assert.ok(probes >= 2 && probes <= 8, `${probes} turns of 70 s with 12`);
});
