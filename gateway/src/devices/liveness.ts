import { defaults } from "@motelet/profiles";
import type { Clock, Timer } from "../foundation/clock.ts";
import type { SessionLoss } from "../session/session-events.ts";
import type { Registry } from "./registry.ts";

/**
 * Decides which devices are alive; nothing else writes `phase`. A confirmed session sets a device Online, a lost one
 * sets it Offline. A device that was Online when the gateway last ran has 2.5 heartbeats to return before it is
 * Offline. One that was Asleep has 2.5 heartbeats after the announced time.
 */
export class Liveness implements Disposable {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #alive = new Set<string>();
  readonly #waits = new Map<string, Timer>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: { registry: Registry; clock: Clock; heartbeatS: number }) {
    this.#registry = options.registry;
    this.#clock = options.clock;
    this.#graceMs = options.heartbeatS * 100 * defaults.lostAfterTenths;
  }

  start(): void {
    this.#unsubscribe = this.#registry.follow((key) => this.#follow(key));
  }

  /** Stops judging; phases stay as they are, because the gateway's end says nothing about the devices. */
  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    for (const key of [...this.#waits.keys()]) this.#cancel(key);
  }

  /** The device's session works both ways. */
  confirmed(key: string): void {
    this.#cancel(key);
    this.#alive.add(key);
    this.#judge(key, "Online");
  }

  lost(key: string, why: SessionLoss): void {
    this.#alive.delete(key);
    if (why !== "ended") this.#judge(key, "Offline");
  }

  /**
   * The device announced that it sleeps. It is Offline 2.5 heartbeats after it should have been back.
   * @param announcedS 0 if it did not announce the duration: then the Device's spec may name it
   */
  asleep(key: string, announcedS: number): void {
    this.#alive.delete(key);
    const seconds = announcedS || (this.#registry.get(key)?.spec.sleep?.checkInS ?? 0);
    // Before the phase, which a restarted gateway reads together with it.
    this.#registry.learn(key, { asleepUntilMs: this.#clock.wallMs() + seconds * 1000 });
    this.#judge(key, "Asleep");
    this.#cancel(key);
    this.#expect(key, seconds * 1000 + this.#graceMs);
  }

  #follow(key: string): void {
    const facts = this.#registry.get(key);
    if (!facts) {
      this.#cancel(key);
      this.#alive.delete(key);
      return;
    }
    const unproven = (facts.phase === "Online" || facts.phase === "Asleep") && !this.#alive.has(key);
    if (!unproven || this.#waits.has(key)) return;
    const asleepMs = facts.phase === "Asleep" ? (facts.asleepUntilMs ?? 0) - this.#clock.wallMs() : 0;
    this.#expect(key, Math.max(0, asleepMs) + this.#graceMs);
  }

  #expect(key: string, withinMs: number): void {
    const timer = this.#clock.after(withinMs, () => {
      this.#waits.delete(key);
      this.#judge(key, "Offline");
    });
    this.#waits.set(key, timer);
  }

  #judge(key: string, phase: "Online" | "Offline" | "Asleep"): void {
    const facts = this.#registry.get(key);
    // A device that was never there stays Pending.
    if (!facts || facts.phase === phase || (facts.phase === "Pending" && phase === "Offline")) return;
    this.#registry.learn(key, { phase });
  }

  #cancel(key: string): void {
    this.#waits.get(key)?.cancel();
    this.#waits.delete(key);
  }
}
