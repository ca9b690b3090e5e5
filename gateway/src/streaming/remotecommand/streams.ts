import type { RemoteStream } from "../remote-stream.ts";
import type { StreamOptions } from "./protocols.ts";
import type { RemoteStatus } from "./status.ts";

export type StreamType = "error" | "stdin" | "stdout" | "stderr" | "resize";

export type RemoteStreams = Readonly<Partial<Record<StreamType, RemoteStream>>>;

/** An upgraded connection with all its streams open, for exec and attach, over SPDY or WebSocket. */
export interface RemoteSession {
  readonly streams: RemoteStreams;
  /** Resolves when the connection is closed, by either side. */
  readonly closed: Promise<void>;
  /** Reports the end to the client, ends every stream and then the connection. Call it once, after the last write. */
  finish(status: RemoteStatus): Promise<void>;
}

/** The streams that a client opens for these options. v1 and v2 have no resize. */
export function expectedStreams(options: StreamOptions, hasResize: boolean): ReadonlySet<StreamType> {
  const expected = new Set<StreamType>(["error"]);
  if (options.stdin) expected.add("stdin");
  if (options.stdout) expected.add("stdout");
  if (options.stderr) expected.add("stderr");
  if (options.tty && hasResize) expected.add("resize");
  return expected;
}

/** Collects the streams that a client opens until all expected ones are open. */
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

  /** @returns false for a stream that was not requested or is already open */
  offer(type: string | undefined, stream: S): boolean {
    const wanted = [...this.#expected].find((expected) => expected === type);
    if (!wanted || this.streams.has(wanted)) return false;
    this.streams.set(wanted, stream);
    if (this.streams.size === this.#expected.size) this.#complete.resolve();
    return true;
  }
}
