import type { Metrics } from "../foundation/metrics.ts";
import type { Channel } from "../transport/channel.ts";

/** Console bytes that wait for one reader; while it is full, further bytes are dropped for that reader. */
export const maxWaitingBytes = 65_536;
/** Readers of one device's console at once. */
export const maxReaders = 8;

/** One reader's view of the console of a line: raw bytes in both directions. */
export interface RawConsole extends Disposable {
  /** Ends with the line, or when disposed. For one reader. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the line closes. */
  readonly closed: Promise<void>;
  /** When the console last printed something, or when this was opened: monotonic milliseconds of the caller's clock. */
  readonly lastOutputMs: number;
  /** @returns false if the line has no space now, or is closed */
  write(bytes: Uint8Array): boolean;
}

/**
 * The consoles of open lines that have an owner (SPEC §4: text outside frames). Several readers may share one. Their
 * input is written to the line in the order of the calls.
 */
export class RawConsoles {
  readonly #nowMs: () => number;
  readonly #lines = new Map<Channel, { readonly key: string; readonly readers: Set<Reader> }>();
  readonly #dropped;

  constructor(nowMs: () => number, metrics: Metrics) {
    this.#nowMs = nowMs;
    this.#dropped = metrics.counter(
      "motelet_attach_dropped_bytes_total",
      "Console bytes that were dropped because an attached client read too slowly.",
    );
  }

  /** A channel has found its owner. */
  opened(channel: Channel, key: string): void {
    if (channel.writeConsole) this.#lines.set(channel, { key, readers: new Set() });
  }

  closed(channel: Channel): void {
    const line = this.#lines.get(channel);
    this.#lines.delete(channel);
    for (const reader of line?.readers ?? []) reader[Symbol.dispose]();
  }

  heard(channel: Channel, bytes: Uint8Array): void {
    for (const reader of this.#lines.get(channel)?.readers ?? []) {
      if (!reader.push(bytes, this.#nowMs())) this.#dropped.inc(bytes.length);
    }
  }

  /** Whether the device has an open line. */
  has(key: string): boolean {
    return this.#lines.values().some((line) => line.key === key);
  }

  /** @returns undefined if the device has no open line; "taken" if it already has the maximum number of readers */
  open(key: string): RawConsole | "taken" | undefined {
    for (const [channel, line] of this.#lines) {
      if (line.key !== key) continue;
      if (line.readers.size >= maxReaders) return "taken";
      const reader = new Reader(channel, this.#nowMs(), () => line.readers.delete(reader));
      line.readers.add(reader);
      return reader;
    }
    return undefined;
  }
}

class Reader implements RawConsole {
  readonly output: AsyncIterable<Uint8Array>;
  readonly #channel: Channel;
  readonly #gone: () => void;
  readonly #closed = Promise.withResolvers<void>();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #over = false;
  #wake: (() => void) | undefined;
  lastOutputMs: number;

  constructor(channel: Channel, nowMs: number, gone: () => void) {
    this.#channel = channel;
    this.#gone = gone;
    this.lastOutputMs = nowMs;
    this.output = this.#read();
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  push(bytes: Uint8Array, nowMs: number): boolean {
    this.lastOutputMs = nowMs;
    if (this.#waitingBytes + bytes.length > maxWaitingBytes) return false;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#wake?.();
    return true;
  }

  write(bytes: Uint8Array): boolean {
    return !this.#over && (this.#channel.writeConsole?.(bytes) ?? false);
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#gone();
    this.#closed.resolve();
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const [bytes] = this.#waiting.splice(0, 1);
      if (bytes) {
        this.#waitingBytes -= bytes.length;
        yield bytes;
      } else if (this.#over) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
