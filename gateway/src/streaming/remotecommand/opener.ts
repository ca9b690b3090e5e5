import type { Clock } from "../../foundation/clock.ts";
import type { ProtocolError } from "../../foundation/errors.ts";
import type { TimeoutReason } from "../idle-timer.ts";
import type { Upgrade } from "../upgrade.ts";
import type { StreamOptions } from "./protocols.ts";
import type { RemoteSession } from "./streams.ts";

export interface OpenOptions {
  readonly clock: Clock;
  /** The client broke the protocol or a limit; the connection is ending. */
  readonly onProtocolError: (error: ProtocolError) => void;
  /** A stream was refused because too many are open. */
  readonly onCrowd: () => void;
  /** A time limit has expired, with its name; the connection ends. */
  readonly onTimeout: (reason: TimeoutReason) => void;
  /** How long the client may take to open its streams. */
  readonly creationTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
}

/** The time of a kubelet. */
export const openDefaults = { creationTimeoutMs: 30_000, idleTimeoutMs: 4 * 3_600_000 };

/** A supported protocol that carries the streams of a request for exec or attach. */
export interface RemoteOpener {
  /** The subprotocol; "" if a WebSocket client names none. */
  readonly protocol: string;
  /**
   * Answers 101 and waits until every requested stream is open.
   * @throws UnavailableError if the client does not open them in time or disconnects; then the connection is closed
   */
  open(upgrade: Upgrade, wanted: StreamOptions, options: OpenOptions): Promise<RemoteSession>;
}
