import type { Clock, Timer } from "../../foundation/clock.ts";
import type { SpdyStream } from "../spdy/stream.ts";
import type { ForwardPair } from "./forward-pair.ts";

export interface PairingOptions {
  readonly clock: Clock;
  /** Pairs at the same time, including incomplete ones. */
  readonly limit: number;
  /** How long the second stream of a pair may take. */
  readonly timeoutMs: number;
  /** Both streams are open. The pair is open until the promise resolves; it never rejects. */
  readonly onPair: (pair: ForwardPair) => Promise<void>;
  /** A stream was refused, with the reason. */
  readonly onRefused: (reason: string) => void;
}

interface HalfPair {
  readonly port: number;
  readonly type: "error" | "data";
  readonly stream: SpdyStream;
  readonly timer: Timer;
}

/**
 * Finds the two streams of each connection: `error` and `data` with the same `requestid` (subprotocol
 * portforward.k8s.io). Clients that send no id open error and then data, with stream ids two apart.
 */
export class Pairing {
  readonly #options: PairingOptions;
  readonly #halves = new Map<string, HalfPair>();
  readonly #open = new Set<string>();

  constructor(options: PairingOptions) {
    this.#options = options;
  }

  /** Pairs that are open or wait for their second stream. */
  get size(): number {
    return this.#halves.size + this.#open.size;
  }

  /**
   * For the connection: accepts a stream that the client opens.
   * @returns false if it must be refused
   */
  accept(stream: SpdyStream): boolean {
    const refusal = this.#take(stream);
    if (refusal !== undefined) this.#options.onRefused(refusal);
    return refusal === undefined;
  }

  /** Ends waiting pairs: the connection has ended. */
  close(): void {
    for (const { timer } of this.#halves.values()) timer.cancel();
    this.#halves.clear();
  }

  #take(stream: SpdyStream): string | undefined {
    const port = parsePort(stream.headers.get("port"));
    const type = stream.headers.get("streamtype");
    if (port === undefined) return "PORT_INVALID";
    if (type !== "error" && type !== "data") return "STREAM_TYPE_INVALID";
    const id = stream.headers.get("requestid") || String(type === "error" ? stream.id : stream.id - 2);
    const half = this.#halves.get(id);
    if (this.#open.has(id) || half?.type === type) return "STREAM_REPEATED";
    if (half) this.#complete(id, half, stream);
    else if (this.size >= this.#options.limit) return "PAIRS_TOO_MANY";
    else this.#wait(id, { port, type, stream });
    return undefined;
  }

  #wait(id: string, half: Omit<HalfPair, "timer">): void {
    const { clock, timeoutMs, onRefused } = this.#options;
    const timer = clock.after(timeoutMs, () => {
      this.#halves.delete(id);
      onRefused("PAIR_LATE");
      if (half.type === "error") {
        half.stream
          .write(Buffer.from(`(request=${id}) timed out waiting for streams`))
          .catch(() => undefined);
        half.stream.end();
        half.stream.discardInput();
      } else half.stream.reset();
    });
    this.#halves.set(id, { ...half, timer });
    void half.stream.lost.then(() => this.#drop(id, half.stream));
  }

  /** The client has taken back the one stream that was there. */
  #drop(id: string, stream: SpdyStream): void {
    const half = this.#halves.get(id);
    if (half?.stream !== stream) return;
    half.timer.cancel();
    this.#halves.delete(id);
  }

  #complete(id: string, half: HalfPair, stream: SpdyStream): void {
    half.timer.cancel();
    this.#halves.delete(id);
    this.#open.add(id);
    // The data stream's port counts.
    const isData = half.type === "error";
    const port = (isData ? parsePort(stream.headers.get("port")) : half.port) ?? half.port;
    // The client opens no more streams of the pair, so this one can wait for the device.
    if (isData) stream.holdReply();
    const pair = { port, data: isData ? stream : half.stream, error: isData ? half.stream : stream };
    // In a turn of its own: the connection has yet to take the stream that completes the pair.
    queueMicrotask(() => void this.#options.onPair(pair).finally(() => this.#open.delete(id)));
  }
}

/** @returns undefined if the text is not a port of 1…65535 */
export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
