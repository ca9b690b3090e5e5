import assert from "node:assert/strict";
import { test } from "node:test";
import { ByeReason } from "@motelet/profiles";
import {
  initialSession,
  nextTickMs,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  step,
} from "./session-machine.ts";

const heartbeatMs = 10_000;
const rtoMs = 500;

/** Feeds a machine; `store` effects are answered at once unless told otherwise. */
function machine(known?: { boot: number; sid: number }) {
  let state: SessionState = initialSession(known);
  const feed = (input: SessionInput, nowMs = 0): SessionEffect[] => {
    const result = step(state, input, nowMs, heartbeatMs);
    state = result.state;
    return [...result.effects];
  };
  return {
    feed,
    get state() {
      return state;
    },
    open: (channelId = 1, acksBeats = true) =>
      feed({ type: "opened", channelId, rtoMs, acksBeats, demandHello: acksBeats }, 0),
    hello: (
      options: { channelId?: number; boot?: number; attempt?: number; sid?: number } = {},
      nowMs = 0,
    ) => {
      const { channelId = 1, boot = 7, attempt = 1, sid = 0 } = options;
      const effects = feed({ type: "hello", channelId, boot, attempt, sid, newSid: 100 + attempt }, nowMs);
      const store = effects.find((effect) => effect.type === "store");
      return store ? feed({ type: "stored", greeting: store.greeting }, nowMs) : effects;
    },
    says: (nowMs = 0, channelId = 1, beat = false) => feed({ type: "message", channelId, beat }, nowMs),
  };
}

const types = (effects: readonly SessionEffect[]) => effects.map((effect) => effect.type);

test("a serial line that opens is asked for a hello at once, a carrier that greets by itself is not", () => {
  assert.deepEqual(machine().open(1, true), [{ type: "bye", channelId: 1, reason: ByeReason.noSession }]);
  assert.deepEqual(machine().open(1, false), []);
});

test("nothing is welcomed before its session is stored", () => {
  const m = machine();
  m.open();
  const effects = m.feed({ type: "hello", channelId: 1, boot: 7, attempt: 1, sid: 0, newSid: 9 });
  assert.deepEqual(types(effects), ["store"]);
  assert.equal(m.state.phase, "none");
});

test("a first hello begins a session, and the first other message confirms it", () => {
  const m = machine();
  m.open();
  assert.deepEqual(m.hello(), [
    { type: "began", resumed: false, streamsKept: false, rebooted: false, channelId: 1 },
    { type: "welcome", channelId: 1, attempt: 1, sid: 101, streamsKept: false },
    { type: "repeat" },
  ]);
  assert.deepEqual(types(m.says(10, 1, true)), ["confirmed", "ack", "deliver"]);
  assert.deepEqual(types(m.says(20)), ["deliver"]);
});

test("a repeated hello gets the same welcome and changes nothing else", () => {
  const m = machine();
  m.open();
  m.hello();
  m.says(10);
  const before = m.state;
  assert.deepEqual(m.hello({}, 20), [
    { type: "welcome", channelId: 1, attempt: 1, sid: 101, streamsKept: false },
  ]);
  assert.equal(m.state, before);
});

test("a hello that repeats while its session is being stored waits for that welcome", () => {
  const m = machine();
  m.open();
  const hello = { type: "hello", channelId: 1, boot: 7, attempt: 1, sid: 0, newSid: 9 } as const;
  m.feed(hello);
  assert.deepEqual(m.feed(hello), []);
});

test("(boot, sid) of the known session go on, with their streams only if they were never lost", () => {
  const m = machine();
  m.open();
  m.hello();
  m.says(10);
  assert.deepEqual(m.hello({ attempt: 2, sid: 101 }, 20)[0], {
    type: "began",
    resumed: true,
    streamsKept: true,
    rebooted: false,
    channelId: 1,
  });
  m.feed({ type: "tick" }, 60_000);
  assert.equal(m.state.phase, "lost");
  const [began, welcome] = m.hello({ attempt: 3, sid: 101 }, 60_001);
  assert.deepEqual(
    [began?.type === "began" && began.resumed, began?.type === "began" && began.streamsKept],
    [true, false],
  );
  assert.deepEqual(welcome, { type: "welcome", channelId: 1, attempt: 3, sid: 101, streamsKept: false });
});

test("a session that a restarted gateway knows from its store goes on without streams", () => {
  const m = machine({ boot: 7, sid: 42 });
  m.open();
  assert.deepEqual(m.hello({ sid: 42 })[1], {
    type: "welcome",
    channelId: 1,
    attempt: 1,
    sid: 42,
    streamsKept: false,
  });
});

test("another boot or another sid gets a new session; another boot is told as a reboot", () => {
  const m = machine({ boot: 7, sid: 42 });
  m.open();
  const [other] = m.hello({ sid: 41 });
  assert.deepEqual(other?.type === "began" && [other.resumed, other.rebooted], [false, false]);
  const [boot] = m.hello({ boot: 8, sid: 0 });
  assert.deepEqual(boot?.type === "began" && [boot.resumed, boot.rebooted], [false, true]);
});

test("what cannot be stored is answered busy", () => {
  const m = machine();
  m.open();
  const [store] = m.feed({ type: "hello", channelId: 1, boot: 7, attempt: 1, sid: 0, newSid: 9 });
  assert.ok(store?.type === "store");
  assert.deepEqual(m.feed({ type: "storeFailed", greeting: store.greeting }), [
    { type: "bye", channelId: 1, reason: ByeReason.busy },
  ]);
  assert.deepEqual(m.feed({ type: "stored", greeting: store.greeting }), []);
});

test("a message outside a session demands a hello, at most once each rto", () => {
  const m = machine();
  m.open(1, false);
  assert.deepEqual(types(m.says(1_000)), ["bye"]);
  assert.deepEqual(m.says(1_499), []);
  assert.deepEqual(types(m.says(1_500)), ["bye"]);
});

test("silence is pinged at 1.3 heartbeats, then each rto, and ends at 2.5", () => {
  const m = machine();
  m.open();
  m.hello();
  m.says(0);
  const seen: [number, string][] = [];
  for (;;) {
    const dueMs = nextTickMs(m.state, heartbeatMs);
    if (dueMs === undefined) break;
    for (const effect of m.feed({ type: "tick" }, dueMs)) seen.push([dueMs, effect.type]);
  }
  assert.deepEqual(seen.slice(0, 3), [
    [13_000, "ping"],
    [13_500, "ping"],
    [14_000, "ping"],
  ]);
  assert.deepEqual(seen.at(-1), [25_000, "lost"]);
  assert.equal(seen.length, 25);
});

test("a session that nothing confirms is pinged each rto from the start", () => {
  const m = machine();
  m.open();
  m.hello({}, 1_000);
  assert.equal(nextTickMs(m.state, heartbeatMs), 1_500);
});

test("a closed channel alone ends nothing: silence does", () => {
  const m = machine();
  m.open();
  m.hello();
  m.says(0);
  assert.deepEqual(m.feed({ type: "closed", channelId: 1 }, 100), []);
  assert.equal(nextTickMs(m.state, heartbeatMs), 25_000);
  m.open(2);
  assert.deepEqual(types(m.hello({ channelId: 2, attempt: 2, sid: 101 }, 200)), [
    "began",
    "welcome",
    "repeat",
  ]);
});

test("a welcome on another channel moves the session; the old one is ignored but for hello", () => {
  const m = machine();
  m.open(1);
  m.open(2);
  m.hello();
  m.says(0);
  const moved = m.hello({ channelId: 2, attempt: 2, sid: 101 }, 10);
  assert.deepEqual(moved[0], { type: "bye", channelId: 1, reason: ByeReason.superseded });
  assert.equal(moved[1]?.type === "began" && moved[1].streamsKept, true);
  assert.deepEqual(m.says(20, 1), []);
  assert.deepEqual(types(m.says(30, 2)), ["confirmed", "deliver"]);
  const back = m.hello({ channelId: 1, attempt: 3, sid: 101 }, 40);
  assert.deepEqual(back[0], { type: "bye", channelId: 2, reason: ByeReason.superseded });
});

test("closing and sleeping end it at once, other byes of a device mean nothing", () => {
  const byes = [
    [ByeReason.closing, ["lost"]],
    [ByeReason.sleeping, ["asleep"]],
    [ByeReason.noSession, []],
    [ByeReason.refused, []],
    [ByeReason.superseded, []],
    [ByeReason.busy, []],
  ] as const;
  for (const [reason, expected] of byes) {
    const m = machine();
    m.open();
    m.hello();
    assert.deepEqual(types(m.feed({ type: "bye", channelId: 1, reason, seconds: 60 }, 0)), expected);
  }
});

test("a refusal ends the session on that channel; an invitation asks who was refused again", () => {
  const m = machine();
  m.open();
  m.hello();
  assert.deepEqual(m.feed({ type: "refused", channelId: 1, reason: "refused" }), [
    { type: "bye", channelId: 1, reason: ByeReason.refused },
    { type: "lost", why: "refused" },
  ]);
  assert.deepEqual(m.feed({ type: "invite" }), [{ type: "bye", channelId: 1, reason: ByeReason.noSession }]);
});

test("the gateway's end says closing on each channel", () => {
  const m = machine();
  m.open();
  m.hello();
  assert.deepEqual(m.feed({ type: "end", reason: "closing" }), [
    { type: "bye", channelId: 1, reason: ByeReason.closing },
    { type: "lost", why: "ended" },
  ]);
});
