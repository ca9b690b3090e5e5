import assert from "node:assert/strict";
import { test } from "node:test";
import { CborFloat, type ReportBody } from "@motelet/profiles";
import { systemClock } from "../../foundation/clock.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { openStore } from "../../store/store.ts";
import { formatReport } from "./report-text.ts";
import { maxPendingReports, Reports } from "./reports.ts";

const text = (line: string): ReportBody => ({ type: "text", level: 1, text: line });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function reports() {
  const metrics = new Metrics();
  const store = openStore({ path: ":memory:", metrics });
  const log = createLogger({ level: "silent" });
  const clock = { ...systemClock, wallMs: () => 1_000_000 };
  const build = (counts = new Metrics()) => new Reports({ store, clock, metrics: counts, log });
  const acks: number[] = [];
  return {
    metrics,
    store,
    acks,
    build,
    reports: build(metrics),
    lines: () => store.logs.after("u1", 0, 1_000).map((line) => line.text),
    commit: async () => {
      store.database.flush();
      await settle();
    },
    take(to: Reports, seq: number, body: ReportBody = text(`r${seq}`), ageMs: number | null = 0) {
      to.take("u1", { kind: "report", seq, ageMs, body }, (storedSeq) => acks.push(storedSeq));
    },
  };
}

test("a report is acknowledged when it is stored and not before", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 11, oldestSeq: 10 });
  assert.equal(t.reports.storedSeq("u1"), 9);
  t.take(t.reports, 10);
  assert.deepEqual(t.acks, []);
  await t.commit();
  assert.deepEqual(t.acks, [10]);
  assert.equal(t.reports.storedSeq("u1"), 10);
});

test("only the next report is taken; repeated and early ones are answered with what is stored", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 3, oldestSeq: 0 });
  t.take(t.reports, 0);
  await t.commit();
  for (const seq of [0, 2, 1]) t.take(t.reports, seq);
  assert.deepEqual(t.acks, [0, 0, 0]);
  await t.commit();
  assert.deepEqual(t.acks, [0, 0, 0, 1]);
  assert.deepEqual(t.lines(), ["r0\n", "r1\n"]);
});

test("after a restart of the gateway the ring goes on where the store is; another ring starts from its oldest", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 2, oldestSeq: 0 });
  t.take(t.reports, 0);
  t.take(t.reports, 1);
  await t.commit();
  const again = t.build();
  again.begin("u1", { epoch: 1, nextSeq: 2, oldestSeq: 0 });
  assert.equal(again.storedSeq("u1"), 1);
  again.begin("u1", { epoch: 2, nextSeq: 6, oldestSeq: 5 });
  assert.equal(again.storedSeq("u1"), 4);
  t.take(again, 5);
  await t.commit();
  assert.deepEqual(t.store.journal.position("u1"), { epoch: 2, seq: 5 });
});

test("a gap stands for its count of numbers, across the wrap", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 5, oldestSeq: 65_534 });
  t.take(t.reports, 65_534, { type: "gap", count: 4 });
  await t.commit();
  assert.deepEqual(t.acks, [1]);
  t.take(t.reports, 2);
  await t.commit();
  assert.deepEqual(t.lines(), ["[4 reports lost: the device's ring was full]\n", "r2\n"]);
});

test("a ring that lost reports without saying so goes on with its oldest instead of standing still", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 1, oldestSeq: 0 });
  t.take(t.reports, 0);
  await t.commit();
  t.reports.begin("u1", { epoch: 1, nextSeq: 21, oldestSeq: 20 });
  assert.equal(t.reports.storedSeq("u1"), 19);
  t.take(t.reports, 20);
  await t.commit();
  assert.deepEqual(t.store.journal.position("u1"), { epoch: 1, seq: 20 });
});

test("what the store does not keep is not acknowledged, and taken when it comes again", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 9, oldestSeq: 0 });
  t.store.database.all("PRAGMA query_only=1");
  t.take(t.reports, 0);
  t.take(t.reports, 1);
  await t.commit();
  assert.deepEqual(t.acks, []);
  t.store.database.all("PRAGMA query_only=0");
  t.take(t.reports, 0);
  await t.commit();
  assert.deepEqual([t.acks, t.lines()], [[0], ["r0\n"]]);
});

test("reports that wait at the bound are taken, one past it is dropped and counted", async () => {
  const t = reports();
  t.reports.begin("u1", { epoch: 1, nextSeq: 500, oldestSeq: 0 });
  for (let seq = 0; seq <= maxPendingReports; seq++) t.take(t.reports, seq);
  await t.commit();
  assert.equal(t.acks.length, maxPendingReports);
  assert.equal(await t.metrics.valueOf("motelet_reports_refused_total", { reason: "too-many-pending" }), 1);
});

test("lines are stamped arrival minus age; of an unknown age they belong to the boot before", async () => {
  const t = reports();
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 1, 0));
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 2, 1e12));
  t.reports.begin("u1", { epoch: 1, nextSeq: 2, oldestSeq: 0 });
  t.take(t.reports, 0, text("last words"), null);
  t.take(t.reports, 1, text("two\nlines"), 400);
  await t.commit();
  const page = (choice: "this" | "previous") =>
    t.store.logs.page("u1", choice, { afterId: 0, throughId: 99 }, 99);
  assert.deepEqual(
    page("previous").map((line) => line.text),
    ["last words\n"],
  );
  assert.deepEqual(
    page("this").map((line) => [line.stampMs, line.text]),
    [
      [999_600, "two\n"],
      [999_600, "lines\n"],
    ],
  );
});

test("a report begins a line of its own after a prompt", async () => {
  const t = reports();
  await t.store.database.write((tx) => t.store.logs.append(tx, "u1", "this", [{ stampMs: 0, text: "> " }]));
  t.reports.begin("u1", { epoch: 1, nextSeq: 1, oldestSeq: 0 });
  t.take(t.reports, 0);
  await t.commit();
  assert.equal(t.lines().join(""), "> \nr0\n");
});

test("each type of report reads as one line, those that are no log as none", () => {
  const cases: [ReportBody, string | undefined][] = [
    [text("hi\r\n"), "hi"],
    [{ type: "gap", count: 1 }, "[1 report lost: the device's ring was full]"],
    [
      { type: "log", token: 9, args: [1, "x", CborFloat.of64(1.5), Uint8Array.of(255)] },
      `[token 9] 1 "x" 1.5 h'ff'`,
    ],
    [{ type: "event", code: 3, args: [[true, null], new Map([[1, -2]])] }, "[event 3] [true, null] {1: -2}"],
    [{ type: "property", key: 1, value: 2 }, undefined],
    [{ type: "unknown", number: 40, body: [] }, undefined],
  ];
  for (const [body, line] of cases) assert.equal(formatReport(body), line);
});
