import { decodeCbor, decodeMessage, encodeCbor, encodeMessage, type Message } from "@motelet/profiles";
import { Encoder } from "cbor-x";
import type { Figure } from "./figure.ts";

/**
 * Our codec compared with cbor-x on the most frequent messages. cbor-x is measured bare: the pre-scan that would make it
 * strict and the golden bytes that it cannot give come on top.
 */
const other = new Encoder({
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: false,
  tagUint8Array: false,
});
const messages: readonly (readonly [string, Message])[] = [
  [
    "beat",
    { kind: "beat", uptimeS: 691_200, heapFree64: 900, rssiDbm: -61, batteryPercent: 80, temperatureC: 21 },
  ],
  ["data of 200 bytes", { kind: "data", stream: 1, offset: 4000, bytes: new Uint8Array(200).fill(7) }],
];

function perSecond(action: () => void): number {
  for (let i = 0; i < 20_000; i++) action();
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) action();
    best = Math.max(best, 100_000 / ((performance.now() - start) / 1000));
  }
  return best;
}

/** Figures for `make bench`. */
export function cborFigures(): Figure[] {
  return messages.flatMap(([name, message]) => {
    const bytes = encodeMessage(message);
    const item = decodeCbor(bytes);
    const otherItem = other.decode(bytes) as unknown;
    const pairs: readonly (readonly [string, () => void, () => void])[] = [
      [`cbor decode, ${name}`, () => decodeCbor(bytes), () => other.decode(bytes)],
      [`cbor encode, ${name}`, () => encodeCbor(item), () => other.encode(otherItem)],
      [`message decode, ${name}`, () => decodeMessage(bytes), () => other.decode(bytes)],
    ];
    return pairs.map(([label, ours, theirs]) => {
      const value = perSecond(ours);
      const ratio = value / perSecond(theirs);
      return { name: label, value, unit: "1/s", against: "cbor-x", ratio, goal: null, met: null };
    });
  });
}
