/** The use of a stream, for the error if no stream is free. The streams of one command share one. */
export interface StreamUse {
  /** `exec top`, `port-forward to 8080`. */
  readonly what: string;
  /** The caller's user name; absent: the gateway itself. */
  readonly who?: string;
  /** Monotonic. */
  readonly sinceMs: number;
}

/** Uses that one sentence names; a device has at most 23 streams. */
const namedUses = 6;

/**
 * The users of a device's streams.
 * @param uses one for each open stream, oldest first
 */
export function describeUses(uses: readonly StreamUse[], nowMs: number): string {
  const counts = new Map<StreamUse, number>();
  for (const use of uses) counts.set(use, (counts.get(use) ?? 0) + 1);
  const named = [...counts].slice(0, namedUses).map(([{ what, who, sinceMs }, count]) => {
    const seconds = Math.floor((nowMs - sinceMs) / 1000);
    const user = who === undefined ? "" : ` by ${printable(who)}`;
    return `${printable(what)}${user} (${count === 1 ? "" : `${count} streams, `}${seconds} s)`;
  });
  const more = counts.size - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Callers name their commands and files: none of it may move a terminal. */
function printable(text: string): string {
  const plain = text.replace(/\p{C}/gu, "?");
  return plain.length > 64 ? `${plain.slice(0, 63)}…` : plain;
}
