import type { SensorValues } from "../session-settings.ts";

/** A small seeded generator (mulberry32): the same seed gives the same values, in 0…1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A value that varies between two bounds and tends to their middle. */
export class Wanderer {
  readonly #min: number;
  readonly #max: number;
  readonly #random: () => number;
  #value: number;

  constructor(min: number, max: number, random: () => number) {
    this.#min = min;
    this.#max = max;
    this.#random = random;
    this.#value = min + (max - min) * (0.3 + 0.4 * random());
  }

  get value(): number {
    return Math.round(this.#value);
  }

  next(): number {
    const span = this.#max - this.#min;
    const middle = this.#min + span / 2;
    const pull = (middle - this.#value) * 0.05;
    const step = (this.#random() - 0.5) * span * 0.1;
    this.#value = Math.min(this.#max, Math.max(this.#min, this.#value + pull + step));
    return this.value;
  }
}

/** The readings of a simulated board. */
export interface SimulatedSensors {
  /** The readings of the next beat. */
  sense(): SensorValues;
  /** Free heap in the last beat, and the lowest value in any beat, bytes. */
  readonly heap: { readonly freeBytes: number; readonly minBytes: number };
}

/** Sensors of a simulated board: each reading is plausible and close to the previous one. */
export function simulatedSensors(options: {
  readonly seed: number;
  readonly ramKiB: number;
  /** False: the carrier has no radio. */
  readonly radio: boolean;
}): SimulatedSensors {
  const random = seededRandom(options.seed);
  // A third to two thirds of the RAM is free.
  const heapFree64 = new Wanderer(options.ramKiB * 5, Math.min(0xffff, options.ramKiB * 11), random);
  const rssiDbm = new Wanderer(-84, -48, random);
  const temperatureC = new Wanderer(19, 41, random);
  const heap = { freeBytes: heapFree64.value * heapUnitBytes, minBytes: heapFree64.value * heapUnitBytes };
  return {
    heap,
    sense() {
      const free64 = heapFree64.next();
      heap.freeBytes = free64 * heapUnitBytes;
      heap.minBytes = Math.min(heap.minBytes, heap.freeBytes);
      return {
        heapFree64: free64,
        ...(options.radio ? { rssiDbm: rssiDbm.next() } : {}),
        temperatureC: temperatureC.next(),
      };
    },
  };
}

/** Unit of a beat's free heap (SPEC §3.4). */
const heapUnitBytes = 64;
