import { type CborValue, encodeCbor } from "@motelet/profiles";

/** Largest encoding of a response without its results (SPEC §3.2), and the longer head of a list of 24 and more. */
export const responseBytes = 6 + 2;

export const encodedBytes = (values: readonly CborValue[]): number =>
  values.reduce<number>((sum, value) => sum + encodeCbor(value).length, 0);

/**
 * As many of the first entries as fit into a response.
 * @returns undefined if not even the first entry fits
 */
export function fitting<T>(
  entries: readonly T[],
  measure: (entry: T) => number,
  roomBytes: number,
): readonly T[] | undefined {
  let left = roomBytes;
  const count = entries.findIndex((entry) => {
    left -= measure(entry);
    return left < 0;
  });
  if (count === 0) return undefined;
  return count < 0 ? entries : entries.slice(0, count);
}
