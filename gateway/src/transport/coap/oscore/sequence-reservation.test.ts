import assert from "node:assert/strict";
import { test } from "node:test";
import { soak } from "../../../../../profiles/test/soak.ts";
import { randomOf } from "./oscore-test-bed.ts";
import { SequenceReservation, type StoredRest, sequenceSteps } from "./sequence-reservation.ts";
import { SequenceWorld } from "./sequence-world.ts";

const { block, chunk, blockLow } = sequenceSteps;

function takeAll(reservation: SequenceReservation): number[] {
  const taken: number[] = [];
  for (let next = reservation.take(); next !== undefined; next = reservation.take()) taken.push(next);
  return taken;
}

test("no number is given out before the write that marks it as used has ended", () => {
  const reservation = new SequenceReservation("a", undefined);
  assert.deepEqual(reservation.drain(), [{ do: "reserve", above: 0 }]);
  assert.equal(reservation.take(), undefined);
  reservation.reserved({ from: block, end: 2 * block });
  const rest = { secretUid: "a", from: block + chunk, end: 2 * block };
  assert.deepEqual(reservation.drain(), [{ do: "store", rest }]);
  assert.equal(reservation.take(), undefined);
  reservation.stored(true);
  const taken = takeAll(reservation);
  assert.deepEqual([taken[0], taken.at(-1), taken.length], [block, block + chunk - 1, chunk]);
  assert.deepEqual(reservation.drain(), [{ do: "store", rest: { ...rest, from: block + 2 * chunk } }]);
});

test("a start without the API server goes on behind the mark in the store, after a write that moves the mark", () => {
  const rest: StoredRest = { secretUid: "a", from: 3_000, end: block };
  const reservation = new SequenceReservation("a", rest);
  reservation.drain();
  reservation.notReserved();
  assert.deepEqual(reservation.drain(), [{ do: "store", rest: { ...rest, from: 3_000 + chunk } }]);
  assert.equal(reservation.take(), undefined);
  reservation.stored(true);
  assert.equal(reservation.take(), 3_000);
});

test("without API server and store, or with the store of another Secret, nothing is given out", () => {
  for (const stored of [undefined, { secretUid: "b", from: 0, end: block }]) {
    const reservation = new SequenceReservation("a", stored);
    reservation.drain();
    reservation.notReserved();
    assert.equal(reservation.take(), undefined);
    assert.deepEqual(reservation.drain(), []);
    reservation.retry();
    assert.deepEqual(reservation.drain(), [{ do: "reserve", above: stored?.end ?? 0 }]);
  }
  const lost = new SequenceReservation("a", { secretUid: "a", from: 0, end: block });
  lost.drain();
  lost.notReserved();
  lost.stored(false);
  assert.equal(lost.take(), undefined, "a failed write gives nothing of a block that the store knows");
});

test("with the API server a start takes a new block, and leaves the rest in the store alone", () => {
  const reservation = new SequenceReservation("a", { secretUid: "a", from: 3_000, end: block });
  reservation.drain();
  reservation.reserved({ from: block, end: 2 * block });
  reservation.drain();
  reservation.stored(true);
  assert.equal(reservation.take(), block);
});

test("the next block is reserved while the present one still lasts", () => {
  const reservation = new SequenceReservation("a", undefined);
  reservation.reserved({ from: 0, end: block });
  let taken = 0;
  for (; ; taken++) {
    const effects = reservation.drain();
    if (effects.some((effect) => effect.do === "store")) reservation.stored(true);
    if (taken > 0 && effects.some((effect) => effect.do === "reserve")) break;
    assert.equal(reservation.take(), taken);
  }
  assert.ok(block - taken < blockLow && block - taken > blockLow - 2 * chunk, `${block - taken} are left`);
  reservation.reserved({ from: 5 * block, end: 6 * block });
  const numbers: number[] = [];
  while (numbers.at(-1) !== 5 * block) {
    for (const effect of reservation.drain()) if (effect.do === "store") reservation.stored(true);
    numbers.push(...takeAll(reservation));
    if (numbers.some((number) => number >= 5 * block)) break;
  }
  assert.equal(numbers[0], taken);
  assert.equal(new Set(numbers).size, numbers.length);
});

test("with a disk that fails, each block gives its first chunk only", () => {
  const reservation = new SequenceReservation("a", undefined);
  reservation.reserved({ from: 0, end: block });
  reservation.drain();
  reservation.stored(false);
  assert.equal(takeAll(reservation).length, chunk);
  assert.deepEqual(reservation.drain(), [{ do: "reserve", above: block }]);
  reservation.reserved({ from: block, end: 2 * block });
  reservation.drain();
  reservation.stored(false);
  assert.equal(reservation.take(), block);
});

test("a block that was reserved before means that the API object is a restored backup: no number any more", () => {
  const reservation = new SequenceReservation("a", { secretUid: "a", from: 2 * block, end: 3 * block });
  reservation.reserved({ from: 2 * block, end: 3 * block });
  assert.equal(reservation.refusal, "WENT_BACK");
  assert.equal(reservation.take(), undefined);
  assert.deepEqual(
    reservation.drain().filter((effect) => effect.do === "store"),
    [],
  );
});

test("a refused key gives no number, also while a block is in use", () => {
  const reservation = new SequenceReservation("a", undefined);
  reservation.reserved({ from: 0, end: block });
  reservation.stored(true);
  assert.equal(reservation.take(), 0);
  reservation.refuse("KEY_REPLACED");
  assert.equal(reservation.take(), undefined);
  reservation.reserved({ from: block, end: 2 * block });
  assert.equal(reservation.take(), undefined);
});

const worlds = 2_000 * soak;

for (const [name, gateways] of [
  ["one gateway", 1],
  ["two gateways that race", 2],
  ["three gateways that race", 3],
] as const) {
  test(`no number is used twice by ${name}, through kills at every step, lost disks, and restored backups`, () => {
    const seen = { used: 0, kills: 0, refused: 0, offlineStarts: 0, restores: 0 };
    for (let seed = 1; seed <= worlds; seed++) {
      const world = new SequenceWorld(gateways, randomOf(seed * 7 + gateways));
      for (let step = 0; step < 300; step++) world.step();
      assert.equal(world.repeated, undefined, `seed ${seed}: number ${world.repeated} was used twice`);
      for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += world.seen[key];
    }
    // A world in which nothing happens proves nothing.
    for (const [what, count] of Object.entries(seen)) assert.ok(count > worlds / 10, `${what}: ${count}`);
  });
}
