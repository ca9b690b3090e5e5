import type { Duplex } from "node:stream";
import { createWebSocketStream } from "ws";
import type { Clock } from "../../foundation/clock.ts";
import { ProtocolError, RequestError } from "../../foundation/errors.ts";
import type { TimeoutReason } from "../idle-timer.ts";
import type { Upgrade } from "../upgrade.ts";
import { defaultChannelLimits, WebSocketChannels } from "../websocket/channels.ts";
import { answerPings, lingerOnce } from "../websocket/control-frames.ts";
import { acceptWebSocket } from "../websocket/handshake.ts";
import type { ForwardPair } from "./forward-pair.ts";
import { parsePort } from "./pairing.ts";
import { defaultForwardLimits, portForwardProtocol } from "./spdy.ts";

/** Subprotocol of a WebSocket that carries the bytes of a SPDY connection; messages may split frames anywhere. */
export const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`;

/** Subprotocols of the first port-forward over WebSocket: one connection to each of a few ports. */
export const channelProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""] as const;

/** Ports of one request; each has two channels. */
export const maxPorts = 32;

/**
 * Reads `port` of a query: repeated, or as a list.
 * @throws RequestError in a kubelet's words
 */
export function parsePorts(query: URLSearchParams): readonly number[] {
  const given = query.getAll("port");
  if (given.length === 0) throw new RequestError("PORT_MISSING", 'query parameter "port" is required');
  if (given.includes("")) throw new RequestError("PORT_MISSING", 'query parameter "port" cannot be empty');
  const ports = given.flatMap((text) => text.split(",").map((part) => expectPort(part, text)));
  if (ports.length > maxPorts)
    throw new RequestError("PORTS_TOO_MANY", `${ports.length} ports: limit ${maxPorts}`);
  return ports;
}

function expectPort(part: string, text: string): number {
  const port = parsePort(part);
  if (port !== undefined) return port;
  throw new RequestError(
    "PORT_INVALID",
    /^0+$/.test(part)
      ? `port ${JSON.stringify(part)} must be > 0`
      : `unable to parse ${JSON.stringify(text)} as a port`,
  );
}

export interface WebSocketForwarding {
  readonly clock: Clock;
  /** Serves one pair; resolves when it has ended, never rejects. */
  readonly serve: (pair: ForwardPair) => Promise<void>;
  readonly onProtocolError: (error: ProtocolError) => void;
  readonly onTimeout: (reason: TimeoutReason) => void;
}

/**
 * Serves port-forward over channels: the data of port i is on channel 2i, its errors on 2i + 1, and both start with the
 * port, 16 bits little-endian. Ends when each connection has ended, or when the client closes.
 */
export async function serveChannelForwarding(
  upgrade: Upgrade,
  protocol: (typeof channelProtocols)[number],
  ports: readonly number[],
  { clock, serve, onProtocolError, onTimeout }: WebSocketForwarding,
): Promise<void> {
  const channels = new WebSocketChannels(await acceptWebSocket(upgrade, protocol), {
    clock,
    onProtocolError,
    onTimeout,
    limits: { idleTimeoutMs: defaultForwardLimits.idleTimeoutMs },
    count: 2 * ports.length,
    readable: new Set(ports.map((_, index) => 2 * index)),
    base64: protocol.includes("base64"),
    halfClose: false,
    probeChannel: 1,
  });
  const pairs = ports.map((port, index) => ({
    port,
    data: channels.channel(2 * index),
    error: channels.channel(2 * index + 1),
  }));
  for (const { port, data, error } of pairs) {
    const first = Uint8Array.of(port & 0xff, port >> 8);
    await data.write(first);
    await error.write(first);
  }
  await Promise.all(pairs.map((pair) => serve(pair)));
  await channels.close();
}

/** Answers 101 and returns a socket with the bytes of the SPDY connection. */
export async function openTunnel(
  upgrade: Upgrade,
  { clock, onProtocolError }: Pick<WebSocketForwarding, "clock" | "onProtocolError">,
): Promise<Duplex> {
  const accepted = await acceptWebSocket(upgrade, tunnelProtocol);
  const { webSocket } = accepted;
  webSocket.on("error", (error: Error & { readonly code?: string }) =>
    onProtocolError(new ProtocolError(error.code ?? "WS_ERR", error.message)),
  );
  answerPings(accepted, clock, () => {
    onProtocolError(new ProtocolError("WS_FLOOD", "too many pings"));
    webSocket.terminate();
  });
  lingerOnce(accepted, clock, defaultChannelLimits.lingerMs);
  return createWebSocketStream(webSocket, { highWaterMark: 65_536 });
}
