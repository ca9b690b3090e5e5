import assert from "node:assert/strict";
import { test } from "node:test";
import {
  confirmed,
  emptyHistory,
  type Greeting,
  type GreetingHistory,
  greeted,
  historyLimits,
} from "./duplicate-identity.ts";

/** One line of a story: at which second which board says hello, and what it says. Each comes over a connection of its own. */
interface Line extends Partial<Omit<Greeting, "connection" | "peer" | "atMs">> {
  readonly at: number;
  readonly who: string;
  /** The same text: the same connection. */
  readonly over?: string;
  /** The session that it confirms afterwards. */
  readonly confirms?: number;
}

/** @returns which lines told of two boards, each with the other board */
function tell(story: readonly Line[], history: GreetingHistory = emptyHistory) {
  const connections = new Map<string, number>();
  const found: string[] = [];
  let state = history;
  story.forEach(({ at, who, over = `line ${at}`, confirms, ...said }, index) => {
    const connection = connections.get(over) ?? connections.size;
    connections.set(over, connection);
    const now: Greeting = { connection, peer: who, atMs: at * 1000, boot: 1, sid: 0, ...said };
    const step = greeted(state, now);
    state = confirms === undefined ? step.history : confirmed(step.history, connection, confirms);
    if (step.rival) found.push(`${index}: ${who} and ${step.rival.peer}`);
  });
  return { found, history: state };
}

const ring = (epoch: number, nextSeq: number) => ({ epoch, nextSeq });

const stories: readonly {
  readonly name: string;
  readonly story: readonly Line[];
  readonly found: string[];
}[] = [
  // Two boards.
  {
    name: "A, B, A by hardware id",
    story: [
      { at: 0, who: "a", hardwareId: "aa" },
      { at: 1, who: "b", hardwareId: "bb" },
      { at: 2, who: "a", hardwareId: "aa" },
      { at: 3, who: "b", hardwareId: "bb" },
    ],
    found: ["2: a and b", "3: b and a"],
  },
  {
    name: "A, B, A by boot number",
    story: [
      { at: 0, who: "a", boot: 7, uptimeS: 100 },
      { at: 1, who: "b", boot: 3, uptimeS: 2 },
      { at: 2, who: "a", boot: 7, uptimeS: 102 },
    ],
    found: ["2: a and b"],
  },
  {
    name: "A, B, A by the life of their rings",
    story: [
      { at: 0, who: "a", ring: ring(1, 5) },
      { at: 1, who: "b", ring: ring(2, 5) },
      { at: 2, who: "a", ring: ring(1, 6) },
    ],
    found: ["2: a and b"],
  },
  {
    name: "three boards, of which one comes again",
    story: [
      { at: 0, who: "a", boot: 1 },
      { at: 1, who: "b", boot: 2 },
      { at: 2, who: "c", boot: 3 },
      { at: 3, who: "a", boot: 1 },
    ],
    found: ["3: a and c"],
  },
  {
    name: "A, B, A where B reboots in between",
    story: [
      { at: 0, who: "a", boot: 7 },
      { at: 1, who: "b", boot: 3 },
      { at: 2, who: "b", boot: 4 },
      { at: 3, who: "a", boot: 7 },
    ],
    found: ["3: a and b"],
  },
  {
    name: "equal pairs whose uptime runs backwards and then goes on",
    story: [
      { at: 0, who: "a", uptimeS: 100 },
      { at: 1, who: "b", uptimeS: 20 },
      { at: 2, who: "a", uptimeS: 102 },
      { at: 3, who: "b", uptimeS: 22 },
    ],
    found: ["2: a and b", "3: b and a"],
  },
  {
    name: "equal pairs where the board that is longer up comes second",
    story: [
      { at: 0, who: "b", uptimeS: 20 },
      { at: 1, who: "a", uptimeS: 100 },
      { at: 2, who: "b", uptimeS: 22 },
      { at: 3, who: "a", uptimeS: 103 },
      { at: 4, who: "b", uptimeS: 24 },
    ],
    found: ["3: a and b", "4: b and a"],
  },
  {
    name: "equal pairs with one uptime, of which one has made fewer reports",
    story: [
      { at: 0, who: "a", uptimeS: 100, ring: ring(1, 40) },
      { at: 1, who: "b", uptimeS: 100, ring: ring(1, 12) },
    ],
    found: ["1: b and a"],
  },
  {
    name: "sequence numbers of reports wrap",
    story: [
      { at: 0, who: "a", uptimeS: 100, ring: ring(1, 3) },
      { at: 1, who: "b", uptimeS: 100, ring: ring(1, 65_530) },
    ],
    found: ["1: b and a"],
  },
  {
    name: "equal pairs that say no uptime, by a session that the other one has replaced",
    story: [
      { at: 0, who: "a", confirms: 11 },
      { at: 1, who: "b", confirms: 12 },
      { at: 2, who: "a", sid: 11, confirms: 13 },
      { at: 3, who: "b", sid: 12 },
    ],
    found: ["2: a and b", "3: b and a"],
  },
  {
    name: "equal pairs that were switched on together",
    story: [
      { at: 0, who: "a", uptimeS: 3, confirms: 11 },
      { at: 0.5, who: "b", uptimeS: 3, confirms: 12 },
      { at: 1, who: "a", uptimeS: 4, sid: 11 },
    ],
    found: ["2: a and b"],
  },
  // One board.
  {
    name: "a board that greets again and again",
    story: [
      { at: 0, who: "a", uptimeS: 10, ring: ring(1, 5), confirms: 11 },
      { at: 30, who: "a", uptimeS: 40, ring: ring(1, 6), sid: 11, confirms: 11 },
      { at: 60, who: "a", uptimeS: 70, ring: ring(1, 6), sid: 11, confirms: 12 },
      { at: 90, who: "a", uptimeS: 100, ring: ring(1, 90), sid: 12 },
    ],
    found: [],
  },
  {
    name: "a power cycle over a half-open connection",
    story: [
      { at: 0, who: "a", boot: 7, uptimeS: 1000, confirms: 11 },
      { at: 5, who: "a", boot: 8, uptimeS: 1, confirms: 12 },
      { at: 9, who: "a", boot: 8, uptimeS: 5, sid: 12 },
    ],
    found: [],
  },
  {
    name: "power cycles of a board that does not count its boots",
    story: [
      { at: 0, who: "a", uptimeS: 1000, ring: ring(1, 40), confirms: 11 },
      { at: 5, who: "a", uptimeS: 1, ring: ring(1, 2), confirms: 12 },
      { at: 11, who: "a", uptimeS: 7, ring: ring(1, 9), sid: 12 },
      { at: 15, who: "a", uptimeS: 2, ring: ring(1, 2) },
      { at: 30, who: "a", uptimeS: 17, ring: ring(1, 3) },
    ],
    found: [],
  },
  {
    name: "a crash loop",
    story: Array.from({ length: 12 }, (_, index) => ({
      at: 3 * index,
      who: "a",
      uptimeS: 2 + (index % 2),
      ring: ring(1, 2 + (index % 3)),
    })),
    found: [],
  },
  {
    name: "a boot number that a power cycle begins again",
    story: [
      { at: 0, who: "a", boot: 1, uptimeS: 500 },
      { at: 10, who: "a", boot: 2, uptimeS: 4 },
      { at: 20, who: "a", boot: 1, uptimeS: 3 },
      { at: 300, who: "a", boot: 2, uptimeS: 3 },
    ],
    found: [],
  },
  {
    name: "a board in the place of another one",
    story: [
      { at: 0, who: "a", hardwareId: "aa", uptimeS: 500 },
      { at: 10, who: "b", hardwareId: "bb", uptimeS: 4000 },
      { at: 20, who: "b", hardwareId: "bb", uptimeS: 4010 },
    ],
    found: [],
  },
  {
    name: "greetings that the gateway reads late",
    story: [
      { at: 0, who: "a", uptimeS: 100, confirms: 11 },
      { at: 60, who: "a", uptimeS: 101, sid: 11, confirms: 11 },
      { at: 60.1, who: "a", uptimeS: 161, sid: 11 },
      { at: 180, who: "a", uptimeS: 221, sid: 11 },
    ],
    found: [],
  },
  {
    name: "greetings that the gateway reads late, of a board that forgets its sessions",
    story: [
      { at: 0, who: "a", uptimeS: 100 },
      { at: 60, who: "a", uptimeS: 101 },
      { at: 60.1, who: "a", uptimeS: 161 },
      { at: 180, who: "a", uptimeS: 221 },
    ],
    found: [],
  },
  {
    name: "a welcome that is lost: the board goes on with the session that it has",
    story: [
      { at: 0, who: "a", confirms: 11 },
      { at: 1, who: "a", sid: 11 },
      { at: 2, who: "a", sid: 11, confirms: 13 },
      { at: 3, who: "a", sid: 13 },
    ],
    found: [],
  },
  {
    name: "a session that another gateway has given",
    story: [
      { at: 0, who: "a", confirms: 11 },
      { at: 1, who: "a", sid: 99, confirms: 12 },
      { at: 2, who: "a", sid: 98 },
    ],
    found: [],
  },
  {
    name: "boots over one connection are of one board",
    story: [
      { at: 0, who: "a", boot: 1, over: "cable" },
      { at: 1, who: "a", boot: 2, over: "cable" },
      { at: 2, who: "a", boot: 1, over: "cable" },
    ],
    found: [],
  },
  {
    name: "what was long ago is forgotten",
    story: [
      { at: 0, who: "a", boot: 1 },
      { at: 1, who: "b", boot: 2 },
      { at: 1 + historyLimits.forgetMs / 1000, who: "a", boot: 1 },
    ],
    found: [],
  },
];

for (const { name, story, found } of stories)
  test(`${found.length > 0 ? "two boards" : "one board"}: ${name}`, () => {
    assert.deepEqual(tell(story).found, found);
  });

test("at most so many boots and sessions are remembered, and one more pushes out the oldest", () => {
  const { entries } = historyLimits;
  const reboots = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      at: index + 1,
      who: "b",
      boot: 100 + index,
      confirms: 100 + index,
    }));
  const first: Line = { at: 0, who: "a", boot: 1, confirms: 1 };
  const again: Line = { at: 60, who: "a", boot: 1 };
  assert.equal(tell([first, ...reboots(entries - 1), again]).found.length, 1);
  const past = tell([first, ...reboots(entries), again]);
  assert.deepEqual(past.found, []);
  assert.deepEqual([past.history.boots.length, past.history.sessions.length], [entries, entries]);
});
