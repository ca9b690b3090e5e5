import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { HandshakeQueue } from "./handshake-queue.ts";

function queueOf(handshakePlaces: number) {
  const clock = new ManualClock();
  const said: string[] = [];
  const counts: number[] = [];
  const queue = new HandshakeQueue({
    limits: { handshakePlaces, handshakePlaceMs: 1_000, handshakeWaitMs: 60_000 },
    clock,
    waiting: (count) => counts.push(count),
  });
  const enter = (name: string, begin = () => {}) => {
    const handshake = {
      begin: () => {
        said.push(name);
        begin();
      },
      expired: () => said.push(`${name} expired`),
    };
    queue.enter(handshake);
    return handshake;
  };
  const waiting = () => counts.at(-1);
  return { clock, queue, enter, said, waiting };
}

test("handshakes begin up to the limit, one past it waits, first come, first served", () => {
  const { queue, enter, said, waiting } = queueOf(2);
  const first = enter("a");
  enter("b");
  assert.equal(waiting(), 0);
  enter("c");
  enter("d");
  assert.deepEqual(said, ["a", "b"]);
  assert.equal(waiting(), 2);
  queue.leave(first);
  assert.deepEqual(said, ["a", "b", "c"]);
  assert.equal(waiting(), 1);
});

test("one that leaves the line is not begun, and one that leaves twice frees one place", () => {
  const { clock, queue, enter, said, waiting } = queueOf(1);
  const first = enter("a");
  const second = enter("b");
  enter("c");
  enter("d");
  queue.leave(second);
  assert.equal(waiting(), 2);
  queue.leave(first);
  queue.leave(first);
  assert.deepEqual(said, ["a", "c"]);
  clock.advance(999);
  assert.deepEqual(said, ["a", "c"]);
});

test("a handshake keeps its place for its time and not longer, and frees none when it ends later", () => {
  const { clock, queue, enter, said } = queueOf(1);
  const slow = enter("slow");
  enter("b");
  enter("c");
  clock.advance(999);
  assert.deepEqual(said, ["slow"]);
  clock.advance(1);
  assert.deepEqual(said, ["slow", "b"]);
  queue.leave(slow);
  assert.deepEqual(said, ["slow", "b"]);
});

test("one that waits has its time and not more, and no timer is left of those that have gone", () => {
  const { clock, queue, enter, said, waiting } = queueOf(0);
  enter("a");
  clock.advance(59_999);
  const later = enter("b");
  assert.deepEqual(said, []);
  clock.advance(1);
  assert.deepEqual(said, ["a expired"]);
  assert.equal(waiting(), 1);
  queue.leave(later);
  assert.equal(waiting(), 0);
  assert.equal(clock.isAwaited, false);
});

test("a thousand that end as soon as they begin are begun in order, and not one inside the other", () => {
  const { queue, enter, said, waiting } = queueOf(1);
  const first = enter("first");
  let depth = 0;
  const names = Array.from({ length: 1_000 }, (_, index) => String(index));
  for (const name of names) {
    const handshake = enter(name, () => {
      assert.equal(depth++, 0);
      queue.leave(handshake);
      depth--;
    });
  }
  queue.leave(first);
  assert.deepEqual(said, ["first", ...names]);
  assert.equal(waiting(), 0);
});
