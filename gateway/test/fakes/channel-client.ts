import { once } from "node:events";
import WebSocket, { type ClientOptions } from "ws";

/**
 * A client of Kubernetes' channels on a WebSocket. Not done: closing by itself after the server's status (the server
 * closes), fragmented messages.
 */
export class ChannelClient {
  readonly webSocket: WebSocket;
  /** Channel of each message, in order; empty ones too. */
  readonly order: number[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  longestMessage = 0;
  readonly #parts = new Map<number, Buffer[]>();
  readonly #base64: boolean;

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    this.#base64 = webSocket.protocol.includes("base64");
    this.closed = new Promise((resolve) =>
      webSocket.once("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    webSocket.on("error", () => undefined);
    webSocket.on("message", (message: Buffer) => {
      const channel = this.#base64 ? message[0]! - 0x30 : message[0]!;
      const rest = message.subarray(1);
      const bytes = this.#base64 ? Buffer.from(rest.toString(), "base64") : rest;
      this.longestMessage = Math.max(this.longestMessage, message.length);
      this.order.push(channel);
      const parts = this.#parts.get(channel) ?? [];
      parts.push(bytes);
      this.#parts.set(channel, parts);
    });
  }

  /** Resolves once it is open. Messages that come with the handshake are not lost. */
  static async open(webSocket: WebSocket): Promise<ChannelClient> {
    // ws emits messages in the same turn as `open` where they came together: listen before awaiting.
    const { promise, resolve, reject } = Promise.withResolvers<ChannelClient>();
    webSocket.once("open", () => resolve(new ChannelClient(webSocket)));
    webSocket.once("error", reject);
    return promise;
  }

  /** Everything of a channel so far. */
  bytes(channel: number): Buffer {
    return Buffer.concat(this.#parts.get(channel) ?? []);
  }

  text(channel: number): string {
    return this.bytes(channel).toString();
  }

  /** Resolves when the socket has taken it. */
  send(channel: number, bytes: Uint8Array | string): Promise<void> {
    const payload = Buffer.from(bytes as string);
    const message = this.#base64
      ? `${channel}${payload.toString("base64")}`
      : Buffer.concat([Buffer.of(channel), payload]);
    return this.sendRaw(message);
  }

  sendRaw(message: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.webSocket.send(message, () => resolve());
    return promise;
  }

  /** v5: the client's half of a channel ends. */
  halfClose(channel: number): Promise<void> {
    return this.sendRaw(Buffer.of(255, channel));
  }

  async close(): Promise<void> {
    if (this.webSocket.readyState === this.webSocket.CLOSED) return;
    this.webSocket.close();
    await once(this.webSocket, "close");
  }
}

/** A WebSocket that is not open yet. */
export function webSocketTo(
  url: string,
  protocols: readonly string[],
  options: ClientOptions = {},
): WebSocket {
  return new WebSocket(url, [...protocols], {
    rejectUnauthorized: false,
    headers: { authorization: "Bearer good-token" },
    ...options,
  });
}

/** The refusal of a WebSocket that does not open. */
export function refusalOf(webSocket: WebSocket): Promise<{ readonly code: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number; body: string }>();
  webSocket.once("error", () => undefined);
  webSocket.once("open", () => reject(new Error("it was opened")));
  webSocket.once("unexpected-response", (_request, answer) => {
    let body = "";
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => {
      body += text;
    });
    answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body }));
  });
  return promise;
}
