import { ByeReason, defaults } from "@motelet/profiles";
import type { SessionLoss } from "./session-events.ts";

/**
 * What the gateway knows about its session with one device, and what it does about it (SPEC §5.1–5.4, 5.8). Pure:
 * `step` takes a state and an input and gives the next state and effects; the driver is session.ts.
 *
 *                      hello, admitted                record is stored: began, welcome
 *       ┌──────┐ ─────────────────────► ( greeting ) ─────────────────────────────────► ┌──────┐ ──┐ message: heard
 *       │ none │ ◄── refused, ended ─────────────────────────────────────────────────── │ open │ ◄─┘ (the first: confirmed)
 *       └──────┘                                                                        └──────┘
 *          message: bye NO_SESSION            hello: greeting again                       │  1.3 heartbeats of silence: ping, again and again
 *       ┌──────┐ ◄────────────────────────────────────────────────────────────────────────┘  2.5 heartbeats of silence, bye: lost
 *       │ lost │    (boot, sid) stay known: a hello with them goes on, without streams
 *       └──────┘
 *
 * `greeting` is independent of the phase: an open session stays open while the hello that renews it is being stored.
 */
export interface SessionState {
  readonly phase: "none" | "open" | "lost";
  /** The session that both sides may go on with, once stored. */
  readonly known?: { readonly boot: number; readonly sid: number };
  readonly greeting?: Greeting;
  /** What the open session was welcomed with, to be repeated. */
  readonly welcome?: { readonly attempt: number; readonly streamsKept: boolean };
  /** The channel that carries the session; absent while it has none. */
  readonly link?: number;
  /** Something else than hello has come: the path works both ways. */
  readonly confirmed: boolean;
  readonly heardMs: number;
  readonly pingMs: number;
  readonly links: ReadonlyMap<number, LinkState>;
}

export interface Greeting {
  readonly link: number;
  readonly boot: number;
  readonly attempt: number;
  readonly sid: number;
  readonly resumed: boolean;
}

/** A channel to the device. */
interface LinkState {
  readonly rtoMs: number;
  readonly acksBeats: boolean;
  /** Ignored but for hello, because the session has moved away. */
  readonly superseded: boolean;
  /** When NO_SESSION was last said here. */
  readonly noSessionMs?: number;
}

export type SessionInput =
  /** `demandHello`: the carrier does not make the device greet when it opens (serial). */
  | { type: "opened"; link: number; rtoMs: number; acksBeats: boolean; demandHello: boolean }
  | { type: "closed"; link: number }
  /** An admitted hello. `newSid` is not 0 and not the known one. */
  | { type: "hello"; link: number; boot: number; attempt: number; sid: number; newSid: number }
  | { type: "stored"; greeting: Greeting }
  | { type: "storeFailed"; greeting: Greeting }
  /** The device may not have a session (any more), or not now. */
  | { type: "refused"; link: number; reason: "refused" | "busy"; seconds?: number }
  /** A valid message other than hello and bye. */
  | { type: "message"; link: number; beat: boolean }
  | { type: "bye"; link: number; reason: number; seconds?: number }
  | { type: "tick" }
  /** The gateway ends it: it goes away, or the device is not served any more. */
  | { type: "end"; reason: "closing" | "refused"; seconds?: number }
  /** A refused device may try again. */
  | { type: "invite" };

export type SessionEffect =
  | { type: "bye"; link: number; reason: ByeReason; seconds?: number }
  /** Make sid and boot durable, then `stored`. */
  | { type: "store"; greeting: Greeting }
  /** A session begins or goes on; comes before its welcome. */
  | { type: "began"; resumed: boolean; streamsKept: boolean; rebooted: boolean; link: number }
  | { type: "welcome"; link: number; attempt: number; sid: number; streamsKept: boolean }
  /** Send again at once what is in flight. */
  | { type: "repeat" }
  | { type: "confirmed" }
  /** The message belongs to the session. */
  | { type: "deliver" }
  | { type: "ack"; link: number }
  | { type: "ping"; link: number }
  | { type: "lost"; why: SessionLoss }
  | { type: "asleep"; seconds: number };

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export function initialSession(known: SessionState["known"]): SessionState {
  return {
    phase: known ? "lost" : "none",
    ...(known ? { known } : {}),
    confirmed: false,
    heardMs: 0,
    pingMs: 0,
    links: new Map(),
  };
}

/** @param heartbeatMs what welcomes say; @param nowMs monotonic */
export function step(
  state: SessionState,
  input: SessionInput,
  nowMs: number,
  heartbeatMs: number,
): SessionStep {
  switch (input.type) {
    case "opened":
      return opened(state, input, nowMs);
    case "closed":
      return closed(state, input.link);
    case "hello":
      return hello(state, input);
    case "stored":
      return input.greeting === state.greeting ? welcomed(state, input.greeting, nowMs) : same(state);
    case "storeFailed":
      if (input.greeting !== state.greeting) return same(state);
      return {
        state: without(state, "greeting"),
        effects: [{ type: "bye", link: input.greeting.link, reason: ByeReason.busy }],
      };
    case "refused":
      return refused(state, input);
    case "message":
      return message(state, input, nowMs, heartbeatMs);
    case "bye":
      return byeFromDevice(state, input);
    case "tick":
      return tick(state, nowMs, heartbeatMs);
    case "end":
      return end(state, input);
    case "invite": {
      const uninvited = [...state.links.keys()].filter(
        (link) => link !== state.link && link !== state.greeting?.link,
      );
      return demandHello(state, uninvited, nowMs);
    }
  }
}

/** When the next `tick` is due; undefined where only the device can change something. */
export function nextTickMs(state: SessionState, heartbeatMs: number): number | undefined {
  if (state.phase !== "open") return undefined;
  const lostMs = state.heardMs + lostAfterMs(heartbeatMs);
  return state.link === undefined ? lostMs : Math.min(lostMs, state.pingMs);
}

/**
 * Time between two pings. Long waits suit a carrier's data, but liveness has only 1.2 heartbeats for its questions: at
 * six of them and 20 % loss each way a device would flap once a day, at eighteen never.
 */
function pingPauseMs(rtoMs: number, heartbeatMs: number): number {
  return Math.min(rtoMs, heartbeatMs / defaults.pingsPerHeartbeat);
}

function lostAfterMs(heartbeatMs: number): number {
  return (heartbeatMs * defaults.lostAfterTenths) / 10;
}

function same(state: SessionState): SessionStep {
  return { state, effects: [] };
}

function without(state: SessionState, ...keys: ("greeting" | "link")[]): SessionState {
  const rest: Partial<Record<string, unknown>> = { ...state };
  for (const key of keys) delete rest[key];
  return rest as unknown as SessionState;
}

function withLink(state: SessionState, link: number, change: Partial<LinkState>): SessionState {
  const known = state.links.get(link);
  if (!known) return state;
  return { ...state, links: new Map(state.links).set(link, { ...known, ...change }) };
}

function opened(state: SessionState, input: SessionInput & { type: "opened" }, nowMs: number): SessionStep {
  const { link, rtoMs, acksBeats } = input;
  const links = new Map(state.links).set(link, { rtoMs, acksBeats, superseded: false });
  const next = { ...state, links };
  return input.demandHello ? demandHello(next, [link], nowMs) : same(next);
}

function demandHello(state: SessionState, links: readonly number[], nowMs: number): SessionStep {
  const effects = links.map((link) => ({ type: "bye", link, reason: ByeReason.noSession }) as const);
  return {
    state: links.reduce((next, link) => withLink(next, link, { noSessionMs: nowMs }), state),
    effects,
  };
}

/** A closed path by itself says nothing about the device: only silence does. */
function closed(state: SessionState, link: number): SessionStep {
  const links = new Map(state.links);
  links.delete(link);
  let next: SessionState = { ...state, links };
  if (next.link === link) next = without(next, "link");
  if (next.greeting?.link === link) next = without(next, "greeting");
  return same(next);
}

function hello(state: SessionState, input: SessionInput & { type: "hello" }): SessionStep {
  const { link, boot, attempt, known } = { ...input, known: state.known };
  if (!state.links.has(link)) return same(state);
  const pending = state.greeting;
  if (pending && pending.boot === boot && pending.attempt === attempt && pending.link === link)
    return same(state);
  const { welcome } = state;
  const repeated = state.phase === "open" && state.link === link && known?.boot === boot;
  if (repeated && !pending && welcome?.attempt === attempt)
    return { state, effects: [{ type: "welcome", link, sid: known.sid, ...welcome }] };
  const resumed = known !== undefined && known.boot === boot && known.sid === input.sid;
  const greeting: Greeting = { link, boot, attempt, sid: resumed ? known.sid : input.newSid, resumed };
  return { state: { ...state, greeting }, effects: [{ type: "store", greeting }] };
}

function welcomed(state: SessionState, greeting: Greeting, nowMs: number): SessionStep {
  const { link, boot, attempt, sid, resumed } = greeting;
  const streamsKept = resumed && state.phase === "open";
  const rebooted = state.known !== undefined && state.known.boot !== boot;
  const effects: SessionEffect[] = [];
  let next = without(state, "greeting");
  if (state.link !== undefined && state.link !== link) {
    effects.push({ type: "bye", link: state.link, reason: ByeReason.superseded });
    next = withLink(next, state.link, { superseded: true });
  }
  next = withLink(next, link, { superseded: false });
  const pingMs = nowMs + (next.links.get(link)?.rtoMs ?? defaults.rtoMs);
  const welcome = { attempt, streamsKept };
  next = {
    ...next,
    phase: "open",
    known: { boot, sid },
    link,
    welcome,
    confirmed: false,
    heardMs: nowMs,
    pingMs,
  };
  effects.push({ type: "began", resumed, streamsKept, rebooted, link });
  effects.push({ type: "welcome", link, sid, ...welcome }, { type: "repeat" });
  return { state: next, effects };
}

function refused(state: SessionState, input: SessionInput & { type: "refused" }): SessionStep {
  const { link, reason, seconds } = input;
  const bye = {
    type: "bye",
    link,
    reason: ByeReason[reason],
    ...(seconds === undefined ? {} : { seconds }),
  } as const;
  const next = state.greeting?.link === link ? without(state, "greeting") : state;
  if (next.phase !== "open" || next.link !== link) return { state: next, effects: [bye] };
  return {
    state: { ...without(next, "link"), phase: "lost" },
    effects: [bye, { type: "lost", why: "refused" }],
  };
}

function message(
  state: SessionState,
  input: SessionInput & { type: "message" },
  nowMs: number,
  heartbeatMs: number,
): SessionStep {
  const link = state.links.get(input.link);
  if (!link || link.superseded || state.greeting?.link === input.link) return same(state);
  if (state.phase !== "open" || state.link !== input.link) {
    const due = link.noSessionMs === undefined || nowMs >= link.noSessionMs + link.rtoMs;
    return due ? demandHello(state, [input.link], nowMs) : same(state);
  }
  const effects: SessionEffect[] = [];
  if (!state.confirmed) effects.push({ type: "confirmed" });
  if (input.beat && link.acksBeats) effects.push({ type: "ack", link: input.link });
  effects.push({ type: "deliver" });
  const pingMs = nowMs + (heartbeatMs * defaults.pingAfterTenths) / 10;
  return { state: { ...state, confirmed: true, heardMs: nowMs, pingMs }, effects };
}

function byeFromDevice(state: SessionState, input: SessionInput & { type: "bye" }): SessionStep {
  if (state.phase !== "open" || state.link !== input.link) return same(state);
  if (input.reason === ByeReason.closing)
    return {
      state: { ...without(state, "link"), phase: "lost" },
      effects: [{ type: "lost", why: "closing" }],
    };
  if (input.reason === ByeReason.sleeping) {
    const asleep = { type: "asleep", seconds: input.seconds ?? 0 } as const;
    return { state: { ...without(state, "link"), phase: "lost" }, effects: [asleep] };
  }
  return same(state);
}

function tick(state: SessionState, nowMs: number, heartbeatMs: number): SessionStep {
  if (state.phase !== "open") return same(state);
  if (nowMs >= state.heardMs + lostAfterMs(heartbeatMs))
    return {
      state: { ...without(state, "link"), phase: "lost" },
      effects: [{ type: "lost", why: "silence" }],
    };
  if (state.link === undefined || nowMs < state.pingMs) return same(state);
  const pingMs = nowMs + pingPauseMs(state.links.get(state.link)?.rtoMs ?? defaults.rtoMs, heartbeatMs);
  return { state: { ...state, pingMs }, effects: [{ type: "ping", link: state.link }] };
}

function end(state: SessionState, input: SessionInput & { type: "end" }): SessionStep {
  const { reason, seconds } = input;
  const effects: SessionEffect[] = [...state.links.keys()].map((link) => ({
    type: "bye",
    link,
    reason: ByeReason[reason],
    ...(seconds === undefined ? {} : { seconds }),
  }));
  if (state.phase === "open") effects.push({ type: "lost", why: "ended" });
  return { state: { ...without(state, "greeting", "link"), phase: "lost" }, effects };
}
