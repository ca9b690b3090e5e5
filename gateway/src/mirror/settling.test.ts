import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { AdaptiveLimit } from "../foundation/adaptive-limit.ts";
import { createLogger } from "../foundation/log.ts";
import { Metrics } from "../foundation/metrics.ts";
import { type Lane, WorkQueue } from "../foundation/workqueue.ts";
import { LeaseTimers } from "./lease-timers.ts";
import { workersBeside } from "./mirror.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
/** What a device that comes costs: requests of each kind of work. */
const work = {
  node: ["high", 1],
  metadata: ["middle", 1],
  pod: ["low", 3],
  status: ["low", 2],
  event: ["last", 3],
} as const satisfies Record<string, readonly [Lane, number]>;
const leaseEveryMs = 20_000;

/** An API server that answers a number of requests per second, in the order in which they come. */
class SlowServer {
  readonly #clock: ManualClock;
  readonly #serviceMs: number;
  #freeAtMs = 0;

  constructor(clock: ManualClock, requestsPerSecond: number) {
    this.#clock = clock;
    this.#serviceMs = 1_000 / requestsPerSecond;
  }

  client(limit: AdaptiveLimit): (signal: AbortSignal) => Promise<void> {
    let inFlight = 0;
    return async (signal) => {
      const startedMs = this.#clock.monotonicMs();
      inFlight += 1;
      this.#freeAtMs = Math.max(this.#freeAtMs, startedMs) + this.#serviceMs;
      await new Promise<void>((resolve, reject) => {
        this.#clock.after(this.#freeAtMs - startedMs, resolve);
        signal.addEventListener("abort", reject, { once: true });
      });
      const nowMs = this.#clock.monotonicMs();
      limit.answered(nowMs - startedMs, inFlight--, nowMs);
    };
  }
}

/**
 * Devices come evenly within 80 s, to a server that answers as many requests in 10 s as there are devices: their Leases alone are half of that.
 * @returns seconds until everything of all was done, and the longest time between two renewals of a Lease
 */
async function settle(
  devices: number,
): Promise<{ settledS: number; longestMs: number; oldestHighMs: number }> {
  const clock = new ManualClock();
  const metrics = new Metrics();
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
  const server = new SlowServer(clock, devices / 10);
  const writes = new AdaptiveLimit({ min: 4, max: 24, start: 8 });
  const renewals = new AdaptiveLimit({ min: 8, max: 32, start: 8 });
  const renew = server.client(renewals);
  const write = server.client(writes);
  const renewedAtMs = new Map<string, number>();
  let [longestMs, oldestHighMs, done] = [0, 0, 0];
  await using timers = new LeaseTimers({
    clock,
    random,
    places: () => renewals.limit,
    deadlineMs: 10_000,
    renew: async (name, signal) => {
      await renew(signal);
      const nowMs = clock.monotonicMs();
      longestMs = Math.max(longestMs, nowMs - (renewedAtMs.get(name) ?? nowMs));
      renewedAtMs.set(name, nowMs);
      return leaseEveryMs * (0.9 + 0.2 * random());
    },
    failed: () => assert.fail("nothing fails here"),
  });
  await using queue = new WorkQueue({
    clock,
    metrics,
    random,
    log: createLogger({ level: "silent" }),
    workers: () => workersBeside(timers.overdueMs, writes.limit),
  });
  const works = Object.entries(work).map(([name, [lane, requests]]) =>
    queue.register(name, lane, async (key, signal) => {
      for (let request = 0; request < requests; request++) await write(signal);
      if (name === "node") {
        timers.wake(key);
        for (const other of works.slice(1)) other.add(key);
      }
      done += 1;
      return undefined;
    }),
  );
  queue.start();
  timers.start();
  const stepMs = 20;
  for (let come = 0; done < devices * works.length || renewedAtMs.size < devices; ) {
    const nowMs = clock.monotonicMs();
    assert.ok(nowMs < 1_200_000, `${done} of ${devices * works.length} done, ${renewedAtMs.size} Leases`);
    for (; come < devices && come * 80_000 <= nowMs * devices; come++) works[0]?.add(`device-${come}`);
    clock.advance(stepMs);
    await turn();
    if (nowMs % 1_000 === 0)
      oldestHighMs = Math.max(
        oldestHighMs,
        1_000 * (await metrics.valueOf("motelet_workqueue_oldest_seconds", { lane: "high" })),
      );
  }
  return { settledS: clock.monotonicMs() / 1_000, longestMs, oldestHighMs };
}

test("a fleet for which the API server is slow settles with no Lease late", async (t) => {
  const { settledS, longestMs, oldestHighMs } = await settle(process.env.MOTELET_SOAK ? 1_000 : 250);
  t.diagnostic(`settled after ${settledS} s; Leases ${longestMs} ms, high lane ${oldestHighMs} ms`);
  // 11 requests each, of which half a fleet's worth goes to Leases, are 110 to 220 s of such a server.
  assert.ok(settledS < 300, `${settledS} s`);
  assert.ok(longestMs < 30_000, `${longestMs} ms between two renewals of a Lease`);
});
