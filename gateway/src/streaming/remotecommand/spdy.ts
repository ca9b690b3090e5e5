import type { IncomingMessage } from "node:http";
import { UnavailableError } from "../../foundation/errors.ts";
import { SpdyConnection } from "../spdy/connection.ts";
import type { SpdyStream } from "../spdy/stream.ts";
import { negotiateProtocol } from "../subprotocols.ts";
import { switchingToSpdy, type Upgrade } from "../upgrade.ts";
import { type OpenOptions, openDefaults, type RemoteOpener } from "./opener.ts";
import { type SpdyProtocol, type StreamOptions, spdyProtocols } from "./protocols.ts";
import { formatStatus, type RemoteStatus } from "./status.ts";
import { expectedStreams, type RemoteSession, StreamGathering } from "./streams.ts";

/** How long the client may take to close once all streams have ended and all bytes have left. */
const closeGraceMs = 5_000;

/**
 * Finds the SPDY subprotocol for a request of exec or attach.
 * @throws RequestError, AccessError if it cannot be upgraded
 */
export function chooseSpdy(request: IncomingMessage): RemoteOpener {
  const offered = request.headersDistinct["x-stream-protocol-version"] ?? [];
  const protocol = negotiateProtocol(offered, spdyProtocols);
  return {
    protocol,
    open: (upgrade, wanted, options) => openSpdySession(upgrade, protocol, wanted, options),
  };
}

/**
 * Answers 101 and waits until the client has opened every stream that its options name.
 * @throws UnavailableError if it does not in time or goes away; the connection is closed by then
 */
async function openSpdySession(
  upgrade: Upgrade,
  protocol: SpdyProtocol,
  wanted: StreamOptions,
  options: OpenOptions,
): Promise<RemoteSession> {
  const { clock, onProtocolError, onCrowd, onTimeout, creationTimeoutMs, idleTimeoutMs } = {
    ...openDefaults,
    ...options,
  };
  const hasResize = protocol === "v4.channel.k8s.io" || protocol === "v3.channel.k8s.io";
  const gathering = new StreamGathering<SpdyStream>(expectedStreams(wanted, hasResize));
  const connection = new SpdyConnection(upgrade.socket, {
    clock,
    onProtocolError,
    onCrowd,
    onTimeout,
    limits: { idleTimeoutMs },
    accept: (stream) => gathering.offer(stream.headers.get("streamtype"), stream),
  });
  upgrade.socket.write(switchingToSpdy(protocol));
  connection.start(upgrade.head);

  const timeout = Promise.withResolvers<void>();
  const timer = clock.after(creationTimeoutMs, timeout.resolve);
  const outcome = await Promise.race([
    gathering.complete.then(() => "complete" as const),
    connection.closed.then(() => "closed" as const),
    timeout.promise.then(() => "late" as const),
  ]);
  timer.cancel();
  if (outcome !== "complete") {
    if (outcome === "late") onTimeout("STREAMS_LATE");
    await connection.close();
    throw new UnavailableError(
      outcome === "late" ? "STREAMS_LATE" : "CONNECTION_LOST",
      outcome === "late" ? "the client did not open its streams in time" : "the client closed the connection",
    );
  }
  return new SpdySession(connection, gathering.streams, protocol);
}

class SpdySession implements RemoteSession {
  readonly streams: RemoteSession["streams"];
  readonly #all: readonly SpdyStream[];
  readonly #connection: SpdyConnection;
  readonly #protocol: SpdyProtocol;

  constructor(connection: SpdyConnection, streams: ReadonlyMap<string, SpdyStream>, protocol: SpdyProtocol) {
    this.#connection = connection;
    this.streams = Object.fromEntries(streams);
    this.#all = [...streams.values()];
    this.#protocol = protocol;
    // Clients send nothing on these, and what is not read must not stop the others.
    for (const type of ["error", "stdout", "stderr"] as const) streams.get(type)?.discardInput();
  }

  get closed(): Promise<void> {
    return this.#connection.closed;
  }

  async finish(status: RemoteStatus): Promise<void> {
    const text = formatStatus(status, this.#protocol);
    for (const stream of this.#all) stream.discardInput();
    // Not awaited: a client that reads nothing any more is ended by the grace.
    if (text !== "") this.streams.error?.write(Buffer.from(text)).catch(() => undefined);
    for (const stream of this.#all) stream.end();
    await this.#connection.close(closeGraceMs);
  }
}
