import { ByeReason, defaults, limits, type WelcomeMessage } from "@motelet/profiles";

export type SessionPhase = "closed" | "greeting" | "open" | "paused";

/** What the driver must do after an input, in order. */
export type SessionEffect =
  | { readonly kind: "hello" }
  | { readonly kind: "beat" }
  /** A welcome began or resumed the session; `fresh`: at-most-once record and streams of before are void. */
  | {
      readonly kind: "joined";
      readonly welcome: WelcomeMessage;
      readonly fresh: boolean;
      readonly halfTripMs: number;
    };

/**
 * Greeting, liveness and farewell of a device (SPEC §5.1–§5.4). Pure: time comes in as `nowMs`, effects go out.
 *
 *              open                    welcome n                    NO_SESSION, 3 heartbeats of silence
 *   ┌────────┐ ─────▶ ┌──────────────┐ ─────────▶ ┌───────────────┐ ───────────────────▶ greeting, n + 1
 *   │ closed │        │   greeting   │            │     open      │
 *   └────────┘        │ hello after  │            │ beat at once, │ closing, refused, busy
 *       ▲             │ rto, 2, 4, 8 │            │ each heartbeat│ ───────────────┐
 *       │             └──────────────┘            └───────────────┘                ▼
 *       │                    │ ▲  closing, refused, busy                      ┌─────────┐
 *       │                    └─┼─────────────────────────────────────────────▶│ paused  │
 *       │                      └──────────── seconds are over, NO_SESSION ────└─────────┘
 *       └── close or superseded, from everywhere
 */
export class SessionMachine {
  readonly #defaultRtoMs: number;
  #phase: SessionPhase = "closed";
  #attempt = 0;
  #sid = 0;
  #rtoMs: number;
  #heartbeatMs: number = defaults.heartbeatS * 1000;
  /** greeting: when the last hello went out, what the wait after it is in rto, and when it ends. */
  #helloMs = 0;
  #factor = 1;
  #repeatMs = 0;
  /** paused: when the next attempt begins. */
  #untilMs = 0;
  /** open: when the next beat is due, when something valid came last. */
  #beatMs = 0;
  #heardMs = 0;

  /** @param defaultRtoMs the carrier's (SPEC §8), used until a welcome sets another */
  constructor(defaultRtoMs: number) {
    this.#defaultRtoMs = defaultRtoMs;
    this.#rtoMs = defaultRtoMs;
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  /** Number of the current attempt, 8 bits; 0 before the first. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The session id from the gateway; 0: none yet. */
  get sid(): number {
    return this.#sid;
  }

  get rtoMs(): number {
    return this.#rtoMs;
  }

  /** When `poll` must be called next. */
  get deadlineMs(): number {
    const deadlines: Record<SessionPhase, number> = {
      closed: Number.POSITIVE_INFINITY,
      greeting: this.#repeatMs,
      paused: this.#untilMs,
      open: Math.min(this.#beatMs, this.#silentMs),
    };
    return deadlines[this.#phase];
  }

  open(nowMs: number): SessionEffect[] {
    return this.#begin(nowMs);
  }

  close(): void {
    this.#phase = "closed";
  }

  /** Any valid message, or the carrier's own proof that the gateway is alive. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  welcome(welcome: WelcomeMessage, nowMs: number): SessionEffect[] {
    if (this.#phase !== "greeting" || welcome.attempt !== this.#attempt) return [];
    const fresh = welcome.sid !== this.#sid;
    this.#phase = "open";
    this.#sid = welcome.sid;
    this.#rtoMs = welcome.rtoMs;
    this.#heartbeatMs = welcome.heartbeatS * 1000;
    this.#heardMs = nowMs;
    this.#beatMs = nowMs + this.#heartbeatMs;
    const halfTripMs = (nowMs - this.#helloMs) / 2;
    return [{ kind: "joined", welcome, fresh, halfTripMs }, { kind: "beat" }];
  }

  bye(reason: number, seconds: number | undefined, nowMs: number): SessionEffect[] {
    if (this.#phase === "closed") return [];
    switch (reason) {
      case ByeReason.closing:
        return this.#pause(seconds ?? defaults.closingSeconds, nowMs);
      case ByeReason.refused:
        return this.#pause(seconds ?? defaults.refusedSeconds, nowMs);
      case ByeReason.busy:
        return this.#pause(seconds ?? defaults.busySeconds, nowMs);
      case ByeReason.superseded:
        this.#phase = "closed";
        return [];
      case ByeReason.noSession:
        if (this.#phase !== "greeting") return this.#begin(nowMs);
        if (nowMs - this.#helloMs < this.#rtoMs) return [];
        this.#factor = 1;
        return this.#hello(nowMs);
      default:
        return [];
    }
  }

  /** Ends this attempt because of the device, e.g. because its ring has a new epoch. */
  renew(nowMs: number): SessionEffect[] {
    return this.#phase === "open" || this.#phase === "greeting" ? this.#begin(nowMs) : [];
  }

  poll(nowMs: number): SessionEffect[] {
    if (nowMs < this.deadlineMs) return [];
    switch (this.#phase) {
      case "closed":
        return [];
      case "greeting":
        this.#factor = Math.min(this.#factor * 2, limits.rtoBackoff);
        return this.#hello(nowMs);
      case "paused":
        return this.#begin(nowMs);
      case "open":
        if (nowMs >= this.#silentMs) return this.#begin(nowMs);
        // After a pause (a stopped process) beats that were missed are not made up for.
        while (this.#beatMs <= nowMs) this.#beatMs += this.#heartbeatMs;
        return [{ kind: "beat" }];
    }
  }

  get #silentMs(): number {
    return this.#heardMs + defaults.helloAfterHeartbeats * this.#heartbeatMs;
  }

  #begin(nowMs: number): SessionEffect[] {
    this.#phase = "greeting";
    this.#attempt = (this.#attempt + 1) & 0xff;
    this.#rtoMs = this.#defaultRtoMs;
    this.#factor = 1;
    return this.#hello(nowMs);
  }

  #hello(nowMs: number): SessionEffect[] {
    this.#helloMs = nowMs;
    this.#repeatMs = nowMs + this.#rtoMs * this.#factor;
    return [{ kind: "hello" }];
  }

  #pause(seconds: number, nowMs: number): SessionEffect[] {
    this.#phase = "paused";
    this.#untilMs = nowMs + seconds * 1000;
    return [];
  }
}
