import { type BackoffPolicy, backoffMs } from "../foundation/backoff.ts";

/** A device that goes offline this often within this time is flapping. */
export const flapping = { losses: 3, withinMs: 5 * 60_000 } as const;

/** How long it has to be steady before it is believed again; longer each time. */
const holds: BackoffPolicy = { baseMs: 60_000, factor: 2, maxMs: 15 * 60_000, jitter: 0 };

interface Record {
  /** When the device went offline, at most the last `flapping.losses` times. */
  readonly lossesMs: readonly number[];
  /** Number of consecutive holds. */
  readonly holds: number;
  readonly heldUntilMs: number;
}

const blank: Record = { lossesMs: [], holds: 0, heldUntilMs: 0 };

/**
 * Records which devices go offline repeatedly, and how long each is held NotReady: three losses within five minutes
 * begin a hold of a minute, every further loss a longer one. Time is an argument (milliseconds, monotonic). Holds one
 * small record for each device that was lost.
 */
export class FlapGuard {
  readonly #records = new Map<string, Record>();

  /**
   * The device went offline.
   * @returns whether this begins a new hold
   */
  lost(key: string, nowMs: number): boolean {
    const { lossesMs, holds, heldUntilMs } = this.#records.get(key) ?? blank;
    const recent = [...lossesMs, nowMs]
      .filter((lossMs) => nowMs - lossMs < flapping.withinMs)
      .slice(-flapping.losses);
    const held = nowMs < heldUntilMs;
    // A device that was steady for long after its last hold starts again.
    const inRow = nowMs - heldUntilMs < flapping.withinMs ? holds : 0;
    if (held || recent.length >= flapping.losses) this.#hold(key, recent, inRow, nowMs);
    else this.#records.set(key, { lossesMs: recent, holds: inRow, heldUntilMs });
    return !held && recent.length >= flapping.losses;
  }

  /** Restores the hold of an earlier gateway. Does nothing for a device that already has a record. */
  restore(key: string, nowMs: number): void {
    if (!this.#records.has(key)) this.#hold(key, [], 0, nowMs);
  }

  /** @returns milliseconds for which the device is held NotReady; 0 if it is not */
  heldMs(key: string, nowMs: number): number {
    return Math.max(0, (this.#records.get(key)?.heldUntilMs ?? 0) - nowMs);
  }

  forget(key: string): void {
    this.#records.delete(key);
  }

  #hold(key: string, lossesMs: readonly number[], inRow: number, nowMs: number): void {
    this.#records.set(key, { lossesMs, holds: inRow + 1, heldUntilMs: nowMs + backoffMs(holds, inRow, 0) });
  }
}
