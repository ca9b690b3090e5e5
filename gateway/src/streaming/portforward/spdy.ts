import type { Duplex } from "node:stream";
import { raceAbort } from "../../foundation/abort.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { ProtocolError } from "../../foundation/errors.ts";
import type { TimeoutReason } from "../idle-timer.ts";
import { SpdyConnection } from "../spdy/connection.ts";
import type { ForwardPair } from "./forward-pair.ts";
import { Pairing } from "./pairing.ts";

/** The subprotocol of port-forward over SPDY. */
export const portForwardProtocol = "portforward.k8s.io";

export interface ForwardLimits {
  /** Connections at the same time over one client's connection. */
  readonly pairs: number;
  readonly pairTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** The two times are those of a kubelet. */
export const defaultForwardLimits: ForwardLimits = {
  pairs: 64,
  pairTimeoutMs: 30_000,
  idleTimeoutMs: 4 * 3_600_000,
};

export interface ForwardingOptions {
  readonly clock: Clock;
  readonly limits?: Partial<ForwardLimits>;
  /** Serves one pair; resolves when it has ended, never rejects. */
  readonly serve: (pair: ForwardPair) => Promise<void>;
  readonly onProtocolError: (error: ProtocolError) => void;
  readonly onRefused: (reason: string) => void;
  readonly onTimeout: (reason: TimeoutReason) => void;
  /** Aborts when the gateway stops: pairs have been informed, and the connection must end. */
  readonly stopping: AbortSignal;
}

/**
 * Serves port-forward on a connection that uses SPDY: a socket, or a WebSocket that carries its bytes. One pair of
 * streams for each connection that a program makes to kubectl. Ends when the client closes, which ends every pair.
 */
export async function serveSpdyForwarding(
  socket: Duplex,
  head: Uint8Array,
  options: ForwardingOptions,
): Promise<void> {
  const { clock, serve, onProtocolError, onRefused, onTimeout, stopping } = options;
  const { pairs, pairTimeoutMs, idleTimeoutMs } = { ...defaultForwardLimits, ...options.limits };
  const running = new Set<Promise<void>>();
  const pairing = new Pairing({
    clock,
    limit: pairs,
    timeoutMs: pairTimeoutMs,
    onRefused,
    onPair(pair) {
      const serving = serve(pair);
      running.add(serving);
      void serving.then(() => running.delete(serving));
      return serving;
    },
  });
  const connection = new SpdyConnection(socket, {
    clock,
    // Both streams of each pair, and one more so that it is the pairs' limit that is reached and told.
    limits: { idleTimeoutMs, streams: 2 * pairs + 1 },
    accept: (stream) => pairing.accept(stream),
    onCrowd: () => onRefused("STREAMS_TOO_MANY"),
    // One connection that nobody reads must not block the others indefinitely.
    onStalled: (stream) => stream.reset(),
    onTimeout,
    onProtocolError,
  });
  connection.start(head);
  await raceAbort(connection.closed, stopping);
  pairing.close();
  // Pairs get the same signal: their last messages are sent first.
  await Promise.all(running);
  await connection.close();
}
