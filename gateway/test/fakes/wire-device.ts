import {
  decodeMessage,
  encodeMessage,
  type HelloMessage,
  type Message,
  type MessageKind,
} from "@motelet/profiles";
import type { Channel, ChannelAcceptor, ChannelEvents, ProvenIdentity } from "../../src/transport/channel.ts";

/**
 * A device at the wire: says exactly what a test tells it to, and keeps what it hears. What it does not do: anything by
 * itself. It never repeats, answers, sends beats or closes.
 */
export class WireDevice {
  readonly heard: Message[] = [];
  readonly channel: Channel;
  /** What was typed on its console; only on a serial line. */
  typed = "";
  /** Whether its line has room for console input. */
  consoleHasRoom = true;
  closedBecause: string | undefined;
  #events: ChannelEvents | undefined;

  constructor(identity: ProvenIdentity = { kind: "port", port: "pty:lamp" }, rtoMs = 500, peer = "wire") {
    this.channel = {
      carrier: identity.kind === "port" ? "serial" : "mqtt",
      peer,
      peerAddress: peer,
      identity,
      maxMessageBytes: 1024,
      rtoMs,
      acksBeats: identity.kind === "port",
      demandsHello: identity.kind === "port",
      send: (message) => {
        this.heard.push(decodeMessage(message).message);
        return true;
      },
      ...(identity.kind === "port"
        ? {
            writeConsole: (bytes: Uint8Array) => {
              if (this.consoleHasRoom) this.typed += Buffer.from(bytes).toString();
              return this.consoleHasRoom;
            },
          }
        : {}),
      close: (reason) => {
        this.closedBecause = reason;
      },
    };
  }

  plug(acceptor: ChannelAcceptor): this {
    this.#events = acceptor.opened(this.channel);
    return this;
  }

  unplug(): void {
    this.#events?.closed("unplugged");
    this.#events = undefined;
  }

  say(message: Message): void {
    this.sayBytes(encodeMessage(message));
  }

  sayBytes(bytes: Uint8Array): void {
    this.#events?.message(bytes);
  }

  print(text: string): void {
    this.#events?.console(Buffer.from(text));
  }

  hello(hello: Partial<HelloMessage> = {}): void {
    this.say({ kind: "hello", version: 0, boot: 1, attempt: 1, sid: 0, ...hello });
  }

  /** Everything of one kind that was heard. */
  all<K extends MessageKind>(kind: K): Extract<Message, { kind: K }>[] {
    return this.heard.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);
  }

  last<K extends MessageKind>(kind: K): Extract<Message, { kind: K }> | undefined {
    return this.all(kind).at(-1);
  }
}
