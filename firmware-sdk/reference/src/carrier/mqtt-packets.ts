import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { downlinkTopic, uplinkTopic, userName } from "@motelet/profiles";
import { generate, type Packet, type Parser, parser, writeToStream } from "mqtt-packet";
import { OptionError } from "../errors.ts";
import { dropSocket } from "./drop-socket.ts";
import {
  endTimeoutMs,
  keepaliveS,
  type MqttConnection,
  type MqttConnectionEvents,
  type MqttConnectionOptions,
  sendBufferBytes,
} from "./mqtt-connection.ts";
import { payloadOf, publishPacket, topicField } from "./mqtt-publish.ts";

/** Longest packet that is taken from a broker: a message of 1,024 bytes with its topic, generously. */
const longestPacketBytes = 64 * 1024;
const subscribeId = 1;
// 65,536 buffers of two bytes, made at the first packet: 10 MB that a process of a few thousand devices has no use for.
writeToStream.cacheNumbers = false;

/**
 * One connection over mqtt-packet alone, for fleets: it has no timers and queues of a client library, and all
 * connections share one parser, because packets are split before they are parsed.
 */
export class PacketConnection implements MqttConnection {
  readonly #socket: Socket;
  readonly #events: MqttConnectionEvents;
  readonly #wireId: string;
  /** The topic of every message, with its length, in the form of a PUBLISH. */
  readonly #topic: Buffer;
  readonly #cutter = new PacketCutter();
  readonly #keepalive: NodeJS.Timeout;
  #ended = false;
  #held = false;
  #corked = false;
  /** PINGREQs that were not answered. */
  #unanswered = 0;

  /** @throws OptionError for a URL of another form */
  constructor(options: MqttConnectionOptions, events: MqttConnectionEvents) {
    const { wireId, generation, password } = options;
    this.#wireId = wireId;
    this.#topic = topicField(uplinkTopic(wireId));
    this.#events = events;
    this.#socket = openSocket(options);
    // Nagle's algorithm and delayed acks would cost 40 ms for each window of a stream.
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#lose(reasonOf(error)));
    this.#socket.on("close", () => this.#lose("connection closed"));
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#write({
      cmd: "connect",
      protocolVersion: 4,
      clientId: wireId,
      username: userName(wireId, generation),
      password: Buffer.from(password),
      clean: true,
      keepalive: keepaliveS,
    });
    this.#keepalive = setInterval(() => this.#keepAlive(), (keepaliveS * 1000) / 2);
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  publish(message: Uint8Array): boolean {
    if (this.#ended || this.#held || this.#socket.writableLength > sendBufferBytes) return false;
    this.#writeBytes(publishPacket(this.#topic, message));
    return true;
  }

  ping(): void {
    if (this.#ended || this.#held) return;
    this.#unanswered++;
    this.#write({ cmd: "pingreq" });
  }

  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#socket.pause();
    else this.#socket.resume();
  }

  drop(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#keepalive);
    dropSocket(this.#socket);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#keepalive);
    const socket = this.#socket;
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => socket.destroy(), endTimeoutMs);
      socket.once("close", () => {
        clearTimeout(force);
        resolve();
      });
      socket.resume();
      socket.end(generate({ cmd: "disconnect" }));
    });
  }

  #take(bytes: Buffer): void {
    const packets = this.#cutter.push(bytes);
    if (!packets) {
      this.#lose("the broker does not speak MQTT 3.1.1");
      return;
    }
    for (const packet of packets) {
      if (this.#ended) return;
      if (packet instanceof Uint8Array) this.#events.message(packet);
      else this.#handle(packet);
    }
  }

  #handle(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        if (packet.returnCode) this.#lose(refusalOf(packet.returnCode), true);
        else this.#subscribe();
        break;
      case "suback":
        if (packet.granted[0] === refusedSubscription) this.#lose("subscription refused", true);
        else this.#events.opened();
        break;
      case "publish":
        this.#events.message(packet.payload as Buffer);
        break;
      case "pingresp":
        this.#unanswered = 0;
        this.#events.heard();
        break;
      default:
        this.#lose(`the broker said ${packet.cmd}`);
    }
  }

  #subscribe(): void {
    const topic = downlinkTopic(this.#wireId);
    this.#write({ cmd: "subscribe", messageId: subscribeId, subscriptions: [{ topic, qos: 0 }] });
  }

  #keepAlive(): void {
    if (this.#held) return;
    // Two halves of the keep-alive without an answer: half-open.
    if (this.#unanswered > 1) this.#lose("no PINGRESP in time");
    else this.ping();
  }

  #write(packet: Packet): void {
    this.#writeBytes(generate(packet));
  }

  /** What one turn of the event loop says goes out in one system call. */
  #writeBytes(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  #lose(reason: string, refused = false): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#keepalive);
    this.#socket.destroy();
    this.#events.lost(reason, refused);
  }
}

/** Cuts a stream into packets by their declared length (MQTT 3.1.1 §2.2.3), and has them parsed. */
class PacketCutter {
  #rest: Buffer | undefined;

  /**
   * @returns the packets that these bytes completed; a plain message is its payload; undefined: the bytes are not MQTT,
   * or the packet is too long
   */
  push(bytes: Buffer): (Packet | Uint8Array)[] | undefined {
    let left = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#rest = undefined;
    const packets: (Packet | Uint8Array)[] = [];
    while (left.length > 0) {
      const length = lengthOf(left);
      if (length === undefined) break;
      if (length > longestPacketBytes) return undefined;
      if (left.length < length) break;
      const whole = left.subarray(0, length);
      const packet = payloadOf(whole) ?? sharedParser.parse(whole);
      if (!packet) return undefined;
      packets.push(packet);
      left = left.subarray(length);
    }
    // A copy, so that a few bytes do not keep a whole read alive.
    if (left.length > 0) this.#rest = Buffer.from(left);
    return packets;
  }
}

/** Length of the packet that begins here, header included; undefined: not yet known. */
function lengthOf(bytes: Buffer): number | undefined {
  let remaining = 0;
  for (let index = 1; index < Math.min(bytes.length, 5); index++) {
    const byte = bytes[index] as number;
    remaining += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return 1 + index + remaining;
  }
  return bytes.length < 5 ? undefined : Number.POSITIVE_INFINITY;
}

/** mqtt-packet's parser for whole packets only; it keeps nothing between two. */
class WholePacketParser {
  #parser: Parser = this.#newParser();
  #parsed: Packet | undefined;

  parse(bytes: Buffer): Packet | undefined {
    this.#parsed = undefined;
    this.#parser.parse(bytes);
    return this.#parsed;
  }

  #newParser(): Parser {
    const made = parser({ protocolVersion: 4 });
    made.on("packet", (packet) => {
      this.#parsed = packet;
    });
    // What it could not parse must not spoil the next connection's packet.
    made.on("error", () => {
      this.#parser = this.#newParser();
    });
    return made;
  }
}

const sharedParser = new WholePacketParser();

function openSocket({ url, tls }: MqttConnectionOptions): Socket {
  const { protocol, hostname, port } = new URL(url);
  // An IPv6 address has brackets only in a URL.
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "mqtt:") return connect({ host, port: Number(port || 1883) });
  if (protocol === "mqtts:") return connectTls({ host, port: Number(port || 8883), ...tls });
  throw new OptionError("MQTT_URL", `broker "${url}": expected mqtt:// or mqtts://`);
}

/** Return codes of CONNACK (MQTT 3.1.1 §3.2.2.3), in the words of npm mqtt. */
const refusals: Readonly<Record<number, string>> = {
  1: "Unacceptable protocol version",
  2: "Identifier rejected",
  3: "Server unavailable",
  4: "Bad username or password",
  5: "Not authorized",
};

const refusalOf = (code: number): string => `Connection refused: ${refusals[code] ?? `code ${code}`}`;

const refusedSubscription = 128;

/** An AggregateError (all addresses of a name refused) has a code and no message. */
export function reasonOf(error: Error): string {
  return error.message || ("code" in error ? String(error.code) : error.name);
}
