import type { RemoteStream } from "../remote-stream.ts";
import type { StreamOptions } from "./protocols.ts";
import type { RemoteStatus } from "./status.ts";

export type StreamType = "error" | "stdin" | "stdout" | "stderr" | "resize";

export type RemoteStreams = Readonly<Partial<Record<StreamType, RemoteStream>>>;

/** An upgraded connection with all its streams open: what exec and attach work with, over SPDY or WebSocket. */
export interface RemoteSession {
  readonly streams: RemoteStreams;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Tells the client how it ended, ends every stream and then the connection. To be called once, after the last write. */
  finish(status: RemoteStatus): Promise<void>;
}

/** The streams that a client opens for these options. v1 and v2 know no resize. */
export function expectedStreams(options: StreamOptions, hasResize: boolean): ReadonlySet<StreamType> {
  const expected = new Set<StreamType>(["error"]);
  if (options.stdin) expected.add("stdin");
  if (options.stdout) expected.add("stdout");
  if (options.stderr) expected.add("stderr");
  if (options.tty && hasResize) expected.add("resize");
  return expected;
}

/** Gathers the streams that a client opens until each expected one is there. */
export class StreamGathering<S extends RemoteStream> {
  readonly streams = new Map<StreamType, S>();
  readonly #expected: ReadonlySet<StreamType>;
  readonly #complete = Promise.withResolvers<void>();

  constructor(expected: ReadonlySet<StreamType>) {
    this.#expected = expected;
  }

  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** @returns false for a stream that was not asked for or is there already */
  offer(type: string | undefined, stream: S): boolean {
    const wanted = [...this.#expected].find((expected) => expected === type);
    if (!wanted || this.streams.has(wanted)) return false;
    this.streams.set(wanted, stream);
    if (this.streams.size === this.#expected.size) this.#complete.resolve();
    return true;
  }
}
