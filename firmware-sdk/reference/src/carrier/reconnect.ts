import { defaults } from "@motelet/profiles";

/** How a connection, or an attempt at one, ended: accepted and then lost; refused by an answer; any other way. */
export type ConnectionEnd = "cut" | "refused" | "failed";

/**
 * How long a device waits before it connects again (SPEC §10.1). The wait grows after failed attempts. It also grows
 * after connections that were accepted and then cut, because two devices with one identity cut each other's
 * connections. Pure: time is an argument.
 */
export class Reconnect {
  /** Waits since a connection was open, and connections that were cut too soon. */
  #attempts = 0;
  #cuts = 0;
  #openedMs = 0;

  /** The connection was accepted and can be used. @param nowMs monotonic */
  opened(nowMs: number): void {
    this.#attempts = 0;
    this.#openedMs = nowMs;
  }

  /**
   * @returns milliseconds until the next attempt; subtract up to three tenths at random, so that devices do not connect
   * at the same time
   */
  ended(how: ConnectionEnd, nowMs: number): number {
    this.#attempts++;
    if (how === "cut") {
      const lasted = nowMs - this.#openedMs >= defaults.steadyConnectionS * 1000;
      this.#cuts = lasted ? 0 : this.#cuts + 1;
    } else if (how === "failed") {
      // The gateway was away: another device does not bring that about.
      this.#cuts = 0;
    }
    return Math.max(
      doubled(this.#attempts, defaults.reconnectFailedMs),
      doubled(this.#cuts, defaults.reconnectCutMs),
    );
  }
}

function doubled(times: number, maxMs: number): number {
  return times === 0 ? 0 : Math.min(defaults.reconnectMs * 2 ** (times - 1), maxMs);
}
