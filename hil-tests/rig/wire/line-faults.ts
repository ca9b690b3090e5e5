import { seededRandom } from "@motelet/reference";

/** What a bad line does to the bytes of one direction. Each `…EveryBytes` is a mean distance; 0 or absent: never. */
export interface LineFaultRates {
  /** One bit of one byte in this many is inverted. */
  readonly flipEveryBytes?: number;
  /** One byte in this many is lost. */
  readonly dropEveryBytes?: number;
  /** One byte in this many comes twice. */
  readonly duplicateEveryBytes?: number;
  /** Milliseconds that bytes stay on the way. */
  readonly delayMs?: number;
}

/** What happened to the bytes of one direction so far. */
export interface LineFaultCounts {
  bytes: number;
  flipped: number;
  dropped: number;
  duplicated: number;
}

/** Spoils bytes by seeded chance: the same seed spoils the same bytes, however they are cut into chunks. */
export class LineFaults {
  readonly counts: LineFaultCounts = { bytes: 0, flipped: 0, dropped: 0, duplicated: 0 };
  readonly #random: () => number;
  rates: LineFaultRates;

  constructor(rates: LineFaultRates, seed: number) {
    this.rates = rates;
    this.#random = seededRandom(seed);
  }

  /** @returns the bytes that arrive, a copy */
  apply(chunk: Uint8Array): Buffer {
    const { flipEveryBytes = 0, dropEveryBytes = 0, duplicateEveryBytes = 0 } = this.rates;
    const arriving = Buffer.alloc(chunk.length * 2);
    let length = 0;
    this.counts.bytes += chunk.length;
    for (let byte of chunk) {
      if (this.#strikes(dropEveryBytes)) {
        this.counts.dropped++;
        continue;
      }
      if (this.#strikes(flipEveryBytes)) {
        byte ^= 1 << Math.floor(this.#random() * 8);
        this.counts.flipped++;
      }
      arriving[length++] = byte;
      if (this.#strikes(duplicateEveryBytes)) {
        arriving[length++] = byte;
        this.counts.duplicated++;
      }
    }
    return arriving.subarray(0, length);
  }

  #strikes(everyBytes: number): boolean {
    return everyBytes > 0 && this.#random() * everyBytes < 1;
  }
}
