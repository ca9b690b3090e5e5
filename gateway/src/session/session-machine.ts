import { ByeReason, defaults } from "@motelet/profiles";
import type { ChannelId, SessionLoss } from "./session-events.ts";

/**
 * The state machine of the gateway for its session with one device (SPEC §5.1–5.4, 5.8). Pure:
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
  /** The session that both sides may resume, once it is stored. */
  readonly known?: { readonly boot: number; readonly sid: number };
  readonly greeting?: Greeting;
  /** The welcome of the open session, to be repeated. */
  readonly welcome?: { readonly attempt: number; readonly streamsKept: boolean };
  /** The channel that carries the session; absent while it has none. */
  readonly channelId?: ChannelId;
  /** A message other than hello has arrived: both directions work. */
  readonly confirmed: boolean;
  readonly heardMs: number;
  readonly pingMs: number;
  readonly channels: ReadonlyMap<ChannelId, ChannelState>;
}

export interface Greeting {
  readonly channelId: ChannelId;
  readonly boot: number;
  readonly attempt: number;
  readonly sid: number;
  readonly resumed: boolean;
}

/** A channel to the device. */
interface ChannelState {
  readonly rtoMs: number;
  readonly acksBeats: boolean;
  /** Ignored except for hello, because the session has moved to another channel. */
  readonly superseded: boolean;
  /** When NO_SESSION was last sent here. */
  readonly noSessionMs?: number;
}

export type SessionInput =
  /** `demandHello`: the carrier does not make the device greet when it opens (serial). */
  | { type: "opened"; channelId: ChannelId; rtoMs: number; acksBeats: boolean; demandHello: boolean }
  | { type: "closed"; channelId: ChannelId }
  /** An admitted hello. `newSid` is not 0 and not the known one. */
  | { type: "hello"; channelId: ChannelId; boot: number; attempt: number; sid: number; newSid: number }
  | { type: "stored"; greeting: Greeting }
  | { type: "storeFailed"; greeting: Greeting }
  /** The device may not have a session (any more), or not now. */
  | { type: "refused"; channelId: ChannelId; reason: "refused" | "busy"; seconds?: number }
  /** A valid message other than hello and bye. */
  | { type: "message"; channelId: ChannelId; beat: boolean }
  | { type: "bye"; channelId: ChannelId; reason: number; seconds?: number }
  | { type: "tick" }
  /** The gateway ends it: it goes away, or the device is not served any more. */
  | { type: "end"; reason: "closing" | "refused"; seconds?: number }
  /** A refused device may try again. */
  | { type: "invite" };

export type SessionEffect =
  | { type: "bye"; channelId: ChannelId; reason: ByeReason; seconds?: number }
  /** Make sid and boot durable, then `stored`. */
  | { type: "store"; greeting: Greeting }
  /** A session begins or goes on; comes before its welcome. */
  | { type: "began"; resumed: boolean; streamsKept: boolean; rebooted: boolean; channelId: ChannelId }
  | { type: "welcome"; channelId: ChannelId; attempt: number; sid: number; streamsKept: boolean }
  /** Send again at once what is in flight. */
  | { type: "repeat" }
  | { type: "confirmed" }
  /** The message belongs to the session. */
  | { type: "deliver" }
  | { type: "ack"; channelId: ChannelId }
  | { type: "ping"; channelId: ChannelId }
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
    channels: new Map(),
  };
}

/** @param heartbeatMs the interval that welcomes announce; @param nowMs monotonic */
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
      return closed(state, input.channelId);
    case "hello":
      return hello(state, input);
    case "stored":
      return input.greeting === state.greeting ? welcomed(state, input.greeting, nowMs) : same(state);
    case "storeFailed":
      if (input.greeting !== state.greeting) return same(state);
      return {
        state: without(state, "greeting"),
        effects: [{ type: "bye", channelId: input.greeting.channelId, reason: ByeReason.busy }],
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
      const uninvited = [...state.channels.keys()].filter(
        (channelId) => channelId !== state.channelId && channelId !== state.greeting?.channelId,
      );
      return demandHello(state, uninvited, nowMs);
    }
  }
}

/** When the next `tick` is due; undefined if only the device can change something. */
export function nextTickMs(state: SessionState, heartbeatMs: number): number | undefined {
  if (state.phase !== "open") return undefined;
  const lostMs = state.heardMs + lostAfterMs(heartbeatMs);
  return state.channelId === undefined ? lostMs : Math.min(lostMs, state.pingMs);
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

function without(state: SessionState, ...keys: ("greeting" | "channelId")[]): SessionState {
  const rest: Partial<Record<string, unknown>> = { ...state };
  for (const key of keys) delete rest[key];
  return rest as unknown as SessionState;
}

function withChannel(state: SessionState, channelId: ChannelId, change: Partial<ChannelState>): SessionState {
  const known = state.channels.get(channelId);
  if (!known) return state;
  return { ...state, channels: new Map(state.channels).set(channelId, { ...known, ...change }) };
}

function opened(state: SessionState, input: SessionInput & { type: "opened" }, nowMs: number): SessionStep {
  const { channelId, rtoMs, acksBeats } = input;
  const channels = new Map(state.channels).set(channelId, { rtoMs, acksBeats, superseded: false });
  const next = { ...state, channels };
  return input.demandHello ? demandHello(next, [channelId], nowMs) : same(next);
}

function demandHello(state: SessionState, channelIds: readonly ChannelId[], nowMs: number): SessionStep {
  const effects = channelIds.map(
    (channelId) => ({ type: "bye", channelId, reason: ByeReason.noSession }) as const,
  );
  return {
    state: channelIds.reduce(
      (next, channelId) => withChannel(next, channelId, { noSessionMs: nowMs }),
      state,
    ),
    effects,
  };
}

/** A closed path by itself says nothing about the device: only silence does. */
function closed(state: SessionState, channelId: ChannelId): SessionStep {
  const channels = new Map(state.channels);
  channels.delete(channelId);
  let next: SessionState = { ...state, channels };
  if (next.channelId === channelId) next = without(next, "channelId");
  if (next.greeting?.channelId === channelId) next = without(next, "greeting");
  return same(next);
}

function hello(state: SessionState, input: SessionInput & { type: "hello" }): SessionStep {
  const { channelId, boot, attempt, known } = { ...input, known: state.known };
  if (!state.channels.has(channelId)) return same(state);
  const pending = state.greeting;
  if (pending && pending.boot === boot && pending.attempt === attempt && pending.channelId === channelId)
    return same(state);
  const { welcome } = state;
  const repeated = state.phase === "open" && state.channelId === channelId && known?.boot === boot;
  if (repeated && !pending && welcome?.attempt === attempt)
    return { state, effects: [{ type: "welcome", channelId, sid: known.sid, ...welcome }] };
  const resumed = known !== undefined && known.boot === boot && known.sid === input.sid;
  const greeting: Greeting = { channelId, boot, attempt, sid: resumed ? known.sid : input.newSid, resumed };
  return { state: { ...state, greeting }, effects: [{ type: "store", greeting }] };
}

function welcomed(state: SessionState, greeting: Greeting, nowMs: number): SessionStep {
  const { channelId, boot, attempt, sid, resumed } = greeting;
  const streamsKept = resumed && state.phase === "open";
  const rebooted = state.known !== undefined && state.known.boot !== boot;
  const effects: SessionEffect[] = [];
  let next = without(state, "greeting");
  if (state.channelId !== undefined && state.channelId !== channelId) {
    effects.push({ type: "bye", channelId: state.channelId, reason: ByeReason.superseded });
    next = withChannel(next, state.channelId, { superseded: true });
  }
  next = withChannel(next, channelId, { superseded: false });
  const pingMs = nowMs + (next.channels.get(channelId)?.rtoMs ?? defaults.rtoMs);
  const welcome = { attempt, streamsKept };
  next = {
    ...next,
    phase: "open",
    known: { boot, sid },
    channelId,
    welcome,
    confirmed: false,
    heardMs: nowMs,
    pingMs,
  };
  effects.push({ type: "began", resumed, streamsKept, rebooted, channelId });
  effects.push({ type: "welcome", channelId, sid, ...welcome }, { type: "repeat" });
  return { state: next, effects };
}

function refused(state: SessionState, input: SessionInput & { type: "refused" }): SessionStep {
  const { channelId, reason, seconds } = input;
  const bye = {
    type: "bye",
    channelId,
    reason: ByeReason[reason],
    ...(seconds === undefined ? {} : { seconds }),
  } as const;
  const next = state.greeting?.channelId === channelId ? without(state, "greeting") : state;
  if (next.phase !== "open" || next.channelId !== channelId) return { state: next, effects: [bye] };
  return {
    state: { ...without(next, "channelId"), phase: "lost" },
    effects: [bye, { type: "lost", why: "refused" }],
  };
}

function message(
  state: SessionState,
  input: SessionInput & { type: "message" },
  nowMs: number,
  heartbeatMs: number,
): SessionStep {
  const channel = state.channels.get(input.channelId);
  if (!channel || channel.superseded || state.greeting?.channelId === input.channelId) return same(state);
  if (state.phase !== "open" || state.channelId !== input.channelId) {
    const due = channel.noSessionMs === undefined || nowMs >= channel.noSessionMs + channel.rtoMs;
    return due ? demandHello(state, [input.channelId], nowMs) : same(state);
  }
  const effects: SessionEffect[] = [];
  if (!state.confirmed) effects.push({ type: "confirmed" });
  if (input.beat && channel.acksBeats) effects.push({ type: "ack", channelId: input.channelId });
  effects.push({ type: "deliver" });
  const pingMs = nowMs + (heartbeatMs * defaults.pingAfterTenths) / 10;
  return { state: { ...state, confirmed: true, heardMs: nowMs, pingMs }, effects };
}

function byeFromDevice(state: SessionState, input: SessionInput & { type: "bye" }): SessionStep {
  if (state.phase !== "open" || state.channelId !== input.channelId) return same(state);
  if (input.reason === ByeReason.closing)
    return {
      state: { ...without(state, "channelId"), phase: "lost" },
      effects: [{ type: "lost", why: "closing" }],
    };
  if (input.reason === ByeReason.sleeping) {
    const asleep = { type: "asleep", seconds: input.seconds ?? 0 } as const;
    return { state: { ...without(state, "channelId"), phase: "lost" }, effects: [asleep] };
  }
  return same(state);
}

function tick(state: SessionState, nowMs: number, heartbeatMs: number): SessionStep {
  if (state.phase !== "open") return same(state);
  if (nowMs >= state.heardMs + lostAfterMs(heartbeatMs))
    return {
      state: { ...without(state, "channelId"), phase: "lost" },
      effects: [{ type: "lost", why: "silence" }],
    };
  if (state.channelId === undefined || nowMs < state.pingMs) return same(state);
  const pingMs =
    nowMs + pingPauseMs(state.channels.get(state.channelId)?.rtoMs ?? defaults.rtoMs, heartbeatMs);
  return { state: { ...state, pingMs }, effects: [{ type: "ping", channelId: state.channelId }] };
}

function end(state: SessionState, input: SessionInput & { type: "end" }): SessionStep {
  const { reason, seconds } = input;
  const effects: SessionEffect[] = [...state.channels.keys()].map((channelId) => ({
    type: "bye",
    channelId,
    reason: ByeReason[reason],
    ...(seconds === undefined ? {} : { seconds }),
  }));
  if (state.phase === "open") effects.push({ type: "lost", why: "ended" });
  return { state: { ...without(state, "greeting", "channelId"), phase: "lost" }, effects };
}
