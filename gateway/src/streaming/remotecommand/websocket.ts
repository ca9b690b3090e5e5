import type { IncomingMessage } from "node:http";
import { negotiateWebSocketProtocol } from "../subprotocols.ts";
import { WebSocketChannels } from "../websocket/channels.ts";
import { acceptWebSocket, expectWebSocketRequest } from "../websocket/handshake.ts";
import { openDefaults, type RemoteOpener } from "./opener.ts";
import { type StreamOptions, type WebSocketProtocol, webSocketProtocols } from "./protocols.ts";
import { formatStatus, type RemoteStatus } from "./status.ts";
import type { RemoteSession, RemoteStreams, StreamType } from "./streams.ts";

/** Numbers of the channels of exec and attach. */
const channelOf: Readonly<Record<StreamType, number>> = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  error: 3,
  resize: 4,
};

/**
 * Finds the WebSocket subprotocol for a request of exec or attach.
 * @throws RequestError, AccessError if it cannot be upgraded
 */
export function chooseWebSocket(request: IncomingMessage): RemoteOpener {
  expectWebSocketRequest({ request });
  const offered = request.headersDistinct["sec-websocket-protocol"] ?? [];
  const protocol = negotiateWebSocketProtocol(offered, webSocketProtocols);
  return {
    protocol,
    async open(upgrade, wanted, options) {
      const { clock, onProtocolError, onTimeout, idleTimeoutMs } = { ...openDefaults, ...options };
      const channels = new WebSocketChannels(await acceptWebSocket(upgrade, protocol), {
        clock,
        onProtocolError,
        onTimeout,
        limits: { idleTimeoutMs },
        count: Object.keys(channelOf).length,
        readable: readableChannels(wanted),
        base64: protocol.includes("base64"),
        halfClose: protocol === "v5.channel.k8s.io",
        probeChannel: lowestWritable(wanted),
      });
      await channels.channel(lowestWritable(wanted)).greet();
      return new WebSocketSession(channels, wanted, protocol);
    },
  };
}

function readableChannels(wanted: StreamOptions): ReadonlySet<number> {
  const readable = new Set<number>();
  if (wanted.stdin) readable.add(channelOf.stdin);
  if (wanted.tty) readable.add(channelOf.resize);
  return readable;
}

function lowestWritable({ stdout, stderr }: StreamOptions): number {
  if (stdout) return channelOf.stdout;
  return stderr ? channelOf.stderr : channelOf.error;
}

class WebSocketSession implements RemoteSession {
  readonly streams: RemoteStreams;
  readonly #channels: WebSocketChannels;
  readonly #protocol: WebSocketProtocol;

  constructor(channels: WebSocketChannels, wanted: StreamOptions, protocol: WebSocketProtocol) {
    this.#channels = channels;
    this.#protocol = protocol;
    const types = (Object.keys(channelOf) as StreamType[]).filter((type) => isWanted(type, wanted));
    this.streams = Object.fromEntries(types.map((type) => [type, channels.channel(channelOf[type])]));
  }

  get closed(): Promise<void> {
    return this.#channels.closed;
  }

  async finish(status: RemoteStatus): Promise<void> {
    const text = formatStatus(status, this.#protocol);
    // Not awaited: a client that reads nothing any more is ended by the close.
    if (text !== "") this.streams.error?.write(Buffer.from(text)).catch(() => undefined);
    await this.#channels.close();
  }
}

function isWanted(type: StreamType, wanted: StreamOptions): boolean {
  if (type === "error") return true;
  return type === "resize" ? wanted.tty : wanted[type];
}
