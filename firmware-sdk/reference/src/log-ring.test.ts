import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ReportBody } from "@motelet/profiles";
import { LogRing } from "./log-ring.ts";
import { ReportSender } from "./reports.ts";

const line = (text: string): ReportBody => ({ type: "text", level: 1, text });

suite("the ring of reports", () => {
  test("makes room by dropping the oldest, and its numbers go on", () => {
    // One entry of 3 characters: array, type, level, head and text are 7 bytes, and 8 for number and time.
    const ring = new LogRing({ capacityBytes: 30, epoch: 1, nextSeq: 65_535 });
    for (const text of ["abc", "def"]) ring.record(line(text), 0);
    assert.deepEqual(ring.positions, { epoch: 1, nextSeq: 1, oldestSeq: 65_535 });
    ring.record(line("ghi"), 0);
    assert.deepEqual(ring.positions, { epoch: 1, nextSeq: 2, oldestSeq: 0 });
    assert.equal(ring.overwritten, 1);
    assert.equal(ring.read(65_535)?.seq, 0);
    assert.equal(ring.read(1)?.seq, 1);
    assert.equal(ring.read(2), undefined);
  });

  test("takes a report that just fits, and none that does not", () => {
    const ring = new LogRing({ capacityBytes: 15, epoch: 1 });
    assert.equal(ring.record(line("abcd"), 0), false);
    assert.equal(ring.record(line("abc"), 0), true);
  });
});

suite("sending reports", () => {
  const settings = { storedSeq: 0, reportWindow: 4, rtoMs: 100 };

  test("what was overwritten before it was stored is one gap, also when it was in flight", () => {
    const ring = new LogRing({ capacityBytes: 30, epoch: 1 });
    const sender = new ReportSender(ring, 100);
    for (const text of ["one", "two", "thr", "fou", "fiv"]) ring.record(line(text), 0);
    sender.restart(settings);
    assert.deepEqual(sender.next(0), {
      kind: "report",
      seq: 1,
      ageMs: null,
      body: { type: "gap", count: 3 },
    });
    assert.deepEqual(sender.next(0)?.seq, 4);
    assert.equal(sender.next(0), undefined);
    ring.record(line("six"), 0);
    sender.poll(100);
    assert.deepEqual(sender.next(100)?.body, { type: "gap", count: 4 });
    sender.acknowledge(4);
    assert.deepEqual(sender.next(100), { kind: "report", seq: 5, ageMs: 100, body: line("fiv") });
  });

  test("a gateway that claims more than was recorded stops nothing", () => {
    const ring = new LogRing({ capacityBytes: 100, epoch: 1 });
    const sender = new ReportSender(ring, 100);
    ring.record(line("a"), 0);
    sender.restart({ ...settings, storedSeq: 500 });
    assert.equal(sender.next(0), undefined);
    ring.record(line("b"), 0);
    assert.equal(sender.next(0)?.seq, 2);
    sender.acknowledge(500);
    assert.equal(sender.waiting, 1);
  });

  test("asks for a new epoch before 2^15 reports wait", () => {
    const ring = new LogRing({ capacityBytes: 100, epoch: 1 });
    const sender = new ReportSender(ring, 100);
    sender.restart(settings);
    for (let count = 0; count < 0x7ffe; count++) ring.record(line(""), 0);
    assert.equal(sender.exhausted, false);
    ring.record(line(""), 0);
    assert.equal(sender.exhausted, true);
    ring.renew(2);
    sender.startEpoch();
    assert.equal(sender.exhausted, false);
    assert.equal(sender.next(0)?.seq, ring.positions.oldestSeq);
  });
});
