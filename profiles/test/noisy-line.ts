import assert from "node:assert/strict";
import { CborError } from "../src/cbor.ts";
import { decodeCbor } from "../src/cbor-decoder.ts";
import { encodeCbor } from "../src/cbor-encoder.ts";
import { encodeFrame } from "../src/frame.ts";

/** What a seeded device sent over a seeded bad line, and what of it was sent whole (SPEC §4.3). */
export interface NoisyLine {
  /** What arrives, and when. Pauses of 100 ms and more are between lines and frames, never within one. */
  readonly chunks: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly endsAt: number;
  /** Lines of text of which no byte was hurt, in order. */
  readonly lines: readonly string[];
  /** Messages of all frames, in order, and whether no byte of the frame was hurt. */
  readonly messages: readonly { readonly bytes: Uint8Array; readonly whole: boolean }[];
  readonly faults: number;
}

interface Unit {
  readonly line?: string;
  readonly message?: Uint8Array;
  bytes: number[];
  hurt: boolean;
}

const phrases = [
  "temperature 23 °C",
  "took 250 µs",
  "\x1b[31merror\x1b[0m: no space left",
  "\x1b[1;32mok\x1b[0m",
  "дверь открыта",
  "温度は二十三度",
  "─────┼─────",
  "fan at 70 % \u{1f300}",
  "Ärger mit Ölstand",
  "éteint",
  "assertion failed: ring->used <= MOST",
  "10%\r20%\r100%",
];

/** Numbers that are the same for the same seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below `below`. */
  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }
}

/** Faults: zeros that come in, delimiters that are lost, bits that flip, panics within frames, noise at power-on. */
export function noisyLine(seed: number, maxMessageBytes: number): NoisyLine {
  const dice = new Dice(seed);
  const units = Array.from({ length: 4 + dice.roll(24) }, (_, index) =>
    dice.roll(3) === 0 ? frameUnit(dice, maxMessageBytes) : lineUnit(dice, index),
  );
  let faults = 0;
  for (let left = dice.roll(8); left > 0; left--, faults++) hurt(dice, units);
  const chunks: { at: number; bytes: Uint8Array }[] = [];
  let at = 0;
  if (dice.roll(3) === 0) {
    faults++;
    chunks.push({
      at,
      bytes: Uint8Array.from({ length: 1 + dice.roll(12) }, () => dice.roll(3) * dice.roll(128)),
    });
  }
  for (const unit of units) {
    chunks.push({ at, bytes: Uint8Array.from(unit.bytes) });
    at += dice.roll(6) === 0 ? 100 + dice.roll(50) : dice.roll(30);
  }
  return {
    chunks,
    endsAt: at + 100,
    lines: units.flatMap(({ line, hurt: isHurt }) => (line === undefined || isHurt ? [] : [line])),
    messages: units.flatMap(({ message, hurt: isHurt }) =>
      message ? [{ bytes: message, whole: !isHurt }] : [],
    ),
    faults,
  };
}

function lineUnit(dice: Dice, index: number): Unit {
  let text = `#${index} `;
  for (let left = dice.roll(9) === 0 ? 40 : 1 + dice.roll(3); left > 0; left--)
    text += `${phrases[dice.roll(phrases.length)]} `;
  const line = text + (dice.roll(4) === 0 ? "\r\n" : "\n");
  return { line, bytes: [...Buffer.from(line)], hurt: false };
}

function frameUnit(dice: Dice, maxMessageBytes: number): Unit {
  // Bytes that compress to long and short groups of COBS, and some that look like text.
  const kinds = [() => 0, () => dice.roll(256), () => 0x20 + dice.roll(0x5f), () => 1 + dice.roll(255)];
  const byte = kinds[dice.roll(kinds.length)] as () => number;
  const room = maxMessageBytes - 12;
  const length = dice.roll(4) === 0 ? dice.roll(room) : dice.roll(30);
  const message = encodeCbor([dice.roll(11), dice.roll(0x10000), Uint8Array.from({ length }, byte)]);
  return { message, bytes: [...encodeFrame(message)], hurt: false };
}

function hurt(dice: Dice, units: Unit[]): void {
  const index = dice.roll(units.length);
  const unit = units[index] as Unit;
  const kind = dice.roll(unit.message ? 4 : 2);
  if (kind === 0) {
    // Before its first and behind its last byte it is next to the unit, which is whole.
    const at = dice.roll(unit.bytes.length + 1);
    if (at > 0 && at < unit.bytes.length) unit.hurt = true;
    unit.bytes.splice(at, 0, 0);
  } else if (kind === 1 && unit.bytes.length > 0) {
    const at = dice.roll(unit.bytes.length);
    unit.bytes[at] = (unit.bytes[at] as number) ^ (1 << dice.roll(8));
    unit.hurt = true;
  } else if (kind === 2) {
    if (dice.roll(2) === 0) unit.bytes.shift();
    else unit.bytes.pop();
    unit.hurt = true;
  } else {
    unit.bytes.length = dice.roll(unit.bytes.length);
    unit.hurt = true;
    units.splice(index + 1, 0, lineUnit(dice, 1_000 + units.length));
  }
}

/**
 * Compares what came out of a line with what was sent: every whole line of text is there, in order; no message is there
 * that was not sent; and except for the damaged frames no more than one for each fault is lost.
 */
export function assertDelivered(noisy: NoisyLine, text: Uint8Array, messages: readonly Uint8Array[]): void {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const line of noisy.lines) {
    const at = bytes.indexOf(line, from);
    assert.ok(at >= 0, `the line ${JSON.stringify(line)} is lost`);
    from = at + Buffer.byteLength(line);
  }
  let next = 0;
  let lost = 0;
  // The checksum does not see a zero that is cut off: what is left is no whole item (SPEC §4.1).
  for (const message of messages.filter(isCbor)) {
    while (
      next < noisy.messages.length &&
      Buffer.compare(noisy.messages[next]?.bytes as Uint8Array, message) !== 0
    )
      if (noisy.messages[next++]?.whole) lost++;
    assert.ok(next < noisy.messages.length, `${Buffer.from(message).toString("hex")} was not sent`);
    next++;
  }
  lost += noisy.messages.slice(next).filter(({ whole }) => whole).length;
  assert.ok(lost <= noisy.faults, `${lost} further frames lost by ${noisy.faults} faults`);
}

function isCbor(bytes: Uint8Array): boolean {
  try {
    decodeCbor(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    return false;
  }
}
