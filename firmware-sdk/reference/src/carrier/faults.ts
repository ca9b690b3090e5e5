import type { CarrierName, MessageKind } from "@motelet/profiles";
import { seededRandom } from "../board/sensors.ts";
import { OptionError } from "../errors.ts";
import type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";

/** Faults of a message between a device and its gateway; `freeze` and `reset` are faults of the device. */
export const faultKinds = ["drop", "delay", "duplicate", "corrupt", "freeze", "reset"] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * The probability of each fault for each message in either direction, 0 to 1; freeze and reset only when the device
 * sends.
 */
export interface FaultRates extends Partial<Readonly<Record<FaultKind, number>>> {
  /**
   * Longest delay, milliseconds; each delay is random between 0 and this, so that messages overtake each other. Default
   * 500.
   */
  readonly delayMs?: number;
  /** Length of a freeze, milliseconds; default 30,000. */
  readonly freezeMs?: number;
}

/** How often each fault happened. */
export type FaultCounts = Record<FaultKind, number>;

const lengths = {
  delay: { field: "delayMs", perUnit: 1 },
  freeze: { field: "freezeMs", perUnit: 1000 },
} as const;

/**
 * Parses `drop=0.2,delay=0.1/300,freeze=0.001/20`: a fault and its probability, for delay also the longest delay in
 * milliseconds, for freeze also the seconds.
 * @throws OptionError that names the fault and what is wrong with it
 */
export function parseFaultRates(text: string): FaultRates {
  const rates: { -readonly [K in keyof FaultRates]: FaultRates[K] } = {};
  for (const part of text.split(",")) {
    const [, name = "", chance = "", length] = /^\s*([a-z]+)=([\d.]+)(?:\/([\d.]+))?\s*$/.exec(part) ?? [];
    const kind = faultKinds.find((known) => known === name);
    const refuse = (expected: string) =>
      new OptionError("FAULTS", `fault "${part.trim()}": expected ${expected}`);
    if (kind === undefined) throw refuse(`one of ${faultKinds.join(", ")} with its chance, e.g. drop=0.2`);
    if (!(Number(chance) >= 0 && Number(chance) <= 1)) throw refuse("a chance of 0 to 1");
    rates[kind] = Number(chance);
    if (length === undefined) continue;
    if (kind !== "delay" && kind !== "freeze") throw refuse("no length: only delay and freeze have one");
    const { field, perUnit } = lengths[kind];
    if (!(Number(length) > 0)) throw refuse("a length above 0");
    rates[field] = Number(length) * perUnit;
  }
  return rates;
}

/** Messages that may be on their way late, each way; what comes beyond them is lost. */
const maxDelayed = 64;

/**
 * A link that misbehaves by seeded chance: the same seed spoils the same messages of the same conversation.
 *
 *   device ─ send ─▶ ┌ frozen? dropped? corrupted? late? twice? ┐ ─▶ link      and the same the other way
 *
 * What is corrupted below a checksum never arrives; here it does, so over MQTT a spoilt payload reaches the decoders, and where it
 * still decodes the application. A frozen device is one whose connection stays open while nothing is sent or read; afterwards it continues as if nothing had happened.
 */
export class FaultyLink implements DeviceLink {
  readonly counts: FaultCounts = { drop: 0, delay: 0, duplicate: 0, corrupt: 0, freeze: 0, reset: 0 };
  readonly carrier: CarrierName;
  readonly rtoMs: number;
  readonly print?: (text: string) => void;
  readonly #link: DeviceLink;
  readonly #rates: FaultRates;
  readonly #random: () => number;
  readonly #late = new Set<NodeJS.Timeout>();
  #events: LinkEvents | undefined;
  #thaw: NodeJS.Timeout | undefined;

  constructor(link: DeviceLink, rates: FaultRates, seed: number) {
    this.#link = link;
    this.#rates = rates;
    this.#random = seededRandom(seed);
    this.carrier = link.carrier;
    this.rtoMs = link.rtoMs;
    const print = link.print?.bind(link);
    if (print) {
      this.print = (text) => {
        if (!this.frozen) print(text);
      };
    }
  }

  get traffic(): Readonly<LinkTraffic> | undefined {
    return this.#link.traffic;
  }

  get frozen(): boolean {
    return this.#thaw !== undefined;
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    const unlessFrozen =
      <A extends unknown[]>(tell: (...args: A) => void) =>
      (...args: A) => {
        if (!this.frozen) tell(...args);
      };
    await this.#link.start({
      opened: () => events.opened(),
      closed: (reason) => events.closed(reason),
      message: unlessFrozen((bytes) => this.#carry(bytes, (arrived) => events.message(arrived))),
      console: unlessFrozen((bytes) => events.console(bytes)),
      heard: unlessFrozen(() => events.heard()),
    });
  }

  send(message: Uint8Array, kind: MessageKind): boolean {
    // What a device in that state says is lost without a word; its session finds out by itself.
    if (this.frozen) return true;
    if (this.#strikes("freeze")) {
      this.freeze(this.#rates.freezeMs ?? 30_000);
      return true;
    }
    if (this.#strikes("reset")) {
      // Not in the sender's turn: it is in the middle of its work.
      setImmediate(() => this.#link.reset());
      return true;
    }
    return this.#carry(message, (spoilt) => this.#link.send(spoilt, kind));
  }

  /** Makes the device hang now, for this time. */
  freeze(forMs: number): void {
    clearTimeout(this.#thaw);
    this.#link.hold?.(true);
    this.#thaw = setTimeout(() => {
      this.#thaw = undefined;
      this.#link.hold?.(false);
    }, forMs);
  }

  reset(): void {
    this.#link.reset();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#thaw);
    for (const timer of this.#late) clearTimeout(timer);
    this.#events = undefined;
    await this.#link.stop();
  }

  /** @returns what the way itself answered at once; true where the message is late or lost */
  #carry(message: Uint8Array, deliver: (message: Uint8Array) => unknown): boolean {
    if (this.#strikes("drop")) return true;
    const arriving = this.#strikes("corrupt") ? this.#corrupted(message) : message;
    const times = this.#strikes("duplicate") ? 2 : 1;
    if (this.#strikes("delay")) {
      // A copy: the sender's buffer is its own again when this returns.
      this.#delay(Uint8Array.from(arriving), times, deliver);
      return true;
    }
    let taken = true;
    for (let time = 0; time < times; time++) taken = deliver(arriving) !== false && taken;
    return taken;
  }

  #delay(message: Uint8Array, times: number, deliver: (message: Uint8Array) => unknown): void {
    if (this.#late.size >= maxDelayed) {
      this.counts.drop++;
      return;
    }
    const timer = setTimeout(
      () => {
        this.#late.delete(timer);
        if (this.frozen || !this.#events) return;
        for (let time = 0; time < times; time++) deliver(message);
      },
      this.#random() * (this.#rates.delayMs ?? 500),
    );
    this.#late.add(timer);
  }

  #corrupted(message: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(message);
    const index = Math.floor(this.#random() * copy.length);
    copy[index] = (copy[index] ?? 0) ^ (1 << Math.floor(this.#random() * 8));
    return copy;
  }

  #strikes(kind: FaultKind): boolean {
    const rate = this.#rates[kind] ?? 0;
    // A fault that never happens takes no number, so that adding one at rate 0 changes nothing.
    if (rate === 0 || this.#random() >= rate) return false;
    this.counts[kind]++;
    return true;
  }
}
