import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { Upgrade } from "../upgrade.ts";

/** Limits of one message. Clients send 32 KiB at a time; some send a whole file at once. */
export const webSocketLimits = {
  messageBytes: 4_194_304,
  /** Frames of one message. */
  fragments: 1_024,
  /** Chunks from the socket that one message or frame may be split into. */
  chunks: 16_384,
} as const;

/** A WebSocket and its socket, which shows how many bytes have not been sent. */
export interface AcceptedWebSocket {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
}

/**
 * Checks a WebSocket handshake before the upgrade.
 * @throws RequestError
 */
export function expectWebSocketRequest({ request }: Pick<Upgrade, "request">): void {
  const { method, headers } = request;
  const key = headers["sec-websocket-key"];
  const version = headers["sec-websocket-version"];
  const wrong =
    method !== "GET"
      ? `method ${method}: expected GET`
      : !/^[+/0-9A-Za-z]{22}==$/.test(key ?? "")
        ? "Sec-WebSocket-Key is missing or no 16 bytes in base64"
        : version !== "13" && version !== "8"
          ? `Sec-WebSocket-Version ${version ?? "missing"}: expected 13`
          : undefined;
  if (wrong) throw new RequestError("WEBSOCKET_HANDSHAKE", `unable to upgrade: ${wrong}`);
}

/**
 * Answers 101 to a request that `expectWebSocketRequest` accepted. Nothing is compressed, and the caller must answer
 * pings.
 * @param protocol the selected subprotocol; "" if the client named none
 * @throws RequestError; UnavailableError if the client disconnected
 */
export function acceptWebSocket(upgrade: Upgrade, protocol: string): Promise<AcceptedWebSocket> {
  const { request, socket, head } = upgrade;
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: webSocketLimits.messageBytes,
    maxFragments: webSocketLimits.fragments,
    maxBufferedChunks: webSocketLimits.chunks,
    // Whoever closes says how long that may take; ws must not cut the end of what a slow client reads.
    closeTimeout: 3_600_000,
  };
  const server = new WebSocketServer(options);
  // Kubernetes names a tunnel with a slash, which RFC 6455 §4.1 has no room for and ws refuses: it is negotiated here.
  delete request.headers["sec-websocket-protocol"];
  server.on("headers", (headers) => {
    if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<AcceptedWebSocket>();
  const gone = () => reject(new UnavailableError("CONNECTION_LOST", "the client closed the connection"));
  // ws destroys such a socket without a word.
  if (!socket.readable || !socket.writable) gone();
  server.once("wsClientError", (cause) =>
    reject(new RequestError("WEBSOCKET_HANDSHAKE", `unable to upgrade: ${cause.message}`)),
  );
  socket.once("close", gone);
  server.handleUpgrade(request, socket, Buffer.from(head), (webSocket) => {
    socket.off("close", gone);
    resolve({ webSocket, socket });
  });
  return promise;
}
