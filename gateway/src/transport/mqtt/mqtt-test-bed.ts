import { type EventEmitter, once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { until } from "@motelet/testing";
import { type IClientOptions, type MqttClient, connect as mqttConnect } from "mqtt";
import { type Clock, systemClock } from "../../foundation/clock.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import type { Channel } from "../channel.ts";
import type { Authenticator, Claim, RefusedClient, Verdict, WireIdentity } from "../directory.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { MqttTransport } from "./mqtt-transport.ts";
import type { MqttSecurity } from "./security.ts";

/** One channel as the test sees it. */
export interface OpenedChannel {
  readonly channel: Channel;
  readonly messages: Uint8Array[];
  closedFor: string | undefined;
}

/**
 * The next event of that name. Fails after 30 s, and if an error occurs instead. A close arrives after its error,
 * because a refused client that still sends is reset. Call it before causing the event.
 */
export async function next(emitter: MqttClient | Socket, event: string): Promise<unknown> {
  const timeout = AbortSignal.timeout(30_000);
  if (event === "close") {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    emitter.once("close", () => resolve());
    timeout.addEventListener("abort", () => reject(timeout.reason));
    return promise;
  }
  const [first] = await once(emitter as unknown as EventEmitter, event, { signal: timeout });
  return first;
}

/**
 * Reads and drops input until the connection has ended. Resolves with the code of its error, if there was one. Fails
 * after 30 s.
 */
export function fateOf(socket: Socket): Promise<string | undefined> {
  socket.resume();
  return endOf(socket);
}

/** As `fateOf`, and leaves what comes unread. */
function endOf(socket: Socket): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  let code: string | undefined;
  socket.on("error", (error: Error & { code?: string }) => {
    code = error.code;
  });
  socket.once("close", () => resolve(code));
  const signal = AbortSignal.timeout(30_000);
  signal.addEventListener("abort", () => reject(signal.reason));
  return promise;
}

/** The pre-shared key of a wire id in the test bed. */
export function keyOf(wireId: string): Buffer {
  return Buffer.from(`key-of-${wireId}-0123456789`);
}

/**
 * A started transport with a directory of wire ids whose password is "secret-<wireId>", generation 1.
 * Fakes: the authenticator (no constant time, no store) and the acceptor (records only).
 */
export class MqttTestBed implements AsyncDisposable {
  readonly metrics = new Metrics();
  readonly channels: OpenedChannel[] = [];
  readonly claims: Claim[] = [];
  /** Refused clients that had shown a name. */
  readonly turnedAway: RefusedClient[] = [];
  /** Wire ids that hold no more. */
  readonly revoked = new Set<string>();
  /** Keys that differ from `keyOf`. */
  readonly keys = new Map<string, Uint8Array>();
  /** Time that the processor is busy with each question for a key, as it is on a slow machine, milliseconds. */
  keyCostMs = 0;
  readonly #revocations = new Set<(wireId: string) => void>();
  readonly #clients: MqttClient[] = [];
  readonly #sockets: Socket[] = [];
  #transport: MqttTransport | undefined;
  #logText = "";
  port = 0;

  static async start(
    limits: Partial<MqttLimits> = {},
    security: MqttSecurity = { kind: "plain" },
    clock: Clock = systemClock,
  ): Promise<MqttTestBed> {
    const bed = new MqttTestBed();
    const destination = new PassThrough();
    destination.on("data", (chunk) => {
      bed.#logText += String(chunk);
    });
    bed.#transport = new MqttTransport({
      listeners: [{ host: "127.0.0.1", port: 0, security }],
      authenticator: bed.#authenticator(),
      acceptor: { opened: (channel) => bed.#opened(channel) },
      log: createLogger({ level: "warn", destination }),
      metrics: bed.metrics,
      clock,
      limits,
    });
    try {
      bed.port = (await bed.#transport.start()).port;
    } catch (error) {
      await bed.stopTransport();
      throw error;
    }
    return bed;
  }

  /** An independent client that does not reconnect. */
  client(wireId: string, options: IClientOptions = {}): MqttClient {
    const client = mqttConnect({
      host: "127.0.0.1",
      port: this.port,
      protocolVersion: 4,
      clientId: wireId,
      username: `${wireId}.1`,
      password: `secret-${wireId}`,
      reconnectPeriod: 0,
      keepalive: 0,
      ...options,
    });
    client.on("error", () => {});
    this.#clients.push(client);
    return client;
  }

  /** A device that listens on its downlink. */
  async device(
    wireId: string,
    options: IClientOptions = {},
  ): Promise<{ client: MqttClient; opened: OpenedChannel }> {
    const before = this.channels.length;
    const client = this.client(wireId, options);
    await client.subscribeAsync(`m/${wireId}/d`);
    await until(`the channel of ${wireId} is open`, () => this.channels.length > before);
    return { client, opened: this.channels.at(-1) as OpenedChannel };
  }

  /** Bytes of our own making. Its `closed` resolves when the gateway has closed the connection. */
  async raw(): Promise<{ socket: Socket; closed: Promise<unknown> }> {
    const socket = connectSocket(this.port, "127.0.0.1");
    this.#sockets.push(socket);
    // A write into a connection that was just closed ends it with an error of the system: it is closed all the same.
    const closed = endOf(socket);
    closed.catch(() => {});
    await next(socket, "connect");
    return { socket, closed };
  }

  refused(reason: string): Promise<number> {
    return this.metrics.valueOf("motelet_mqtt_refused_total", { reason });
  }

  logLines(code: string): Record<string, unknown>[] {
    const lines = this.#logText.split("\n").filter((line) => line !== "");
    return lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.code === code);
  }

  revoke(wireId: string): void {
    this.revoked.add(wireId);
    for (const listener of this.#revocations) listener(wireId);
  }

  async stopTransport(): Promise<void> {
    await this.#transport?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.end(true);
    for (const socket of this.#sockets) socket.destroy();
    await this.stopTransport();
  }

  #authenticator(): Authenticator {
    return {
      authenticate: (claim): Verdict => {
        this.claims.push(claim);
        const verdict = this.#judge(claim);
        if (!verdict.admitted) return verdict;
        const right = Buffer.from(claim.password).toString() === `secret-${claim.wireId}`;
        return right ? { admitted: true } : { admitted: false, reason: "wrong-password" };
      },
      admit: (identity) => this.#judge(identity),
      pskOf: (identity) => {
        const { wireId } = identity;
        const doneMs = performance.now() + this.keyCostMs;
        while (performance.now() < doneMs);
        return this.#judge(identity).admitted ? (this.keys.get(wireId) ?? keyOf(wireId)) : undefined;
      },
      refused: (client) => void this.turnedAway.push(client),
      onRevoked: (listener) => {
        this.#revocations.add(listener);
        return () => this.#revocations.delete(listener);
      },
    };
  }

  #judge({ wireId, generation }: WireIdentity): Verdict {
    if (wireId.startsWith("no") || this.revoked.has(wireId)) return { admitted: false, reason: "unknown-id" };
    return generation === 1 ? { admitted: true } : { admitted: false, reason: "wrong-generation" };
  }

  #opened(channel: Channel) {
    const opened: OpenedChannel = { channel, messages: [], closedFor: undefined };
    this.channels.push(opened);
    return {
      message: (bytes: Uint8Array) => void opened.messages.push(bytes),
      console: () => {},
      closed: (reason: string) => {
        if (opened.closedFor !== undefined) throw new Error("closed twice");
        opened.closedFor = reason;
      },
    };
  }
}

/** An MQTT packet: first byte, then body; remaining length up to 16,383. */
export function rawPacket(firstByte: number, ...parts: (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

/** A text of MQTT: its length in two bytes, then UTF-8. */
export function rawText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A CONNECT that the test bed admits: clean session, user name and password. */
export function rawConnect(wireId: string, password = `secret-${wireId}`): Buffer {
  const header = [...rawText("MQTT"), 4, 0xc2, 0, 0];
  return rawPacket(0x10, header, rawText(wireId), rawText(`${wireId}.1`), rawText(password));
}

export function rawSubscribe(...filters: string[]): Buffer {
  return rawPacket(0x82, [0, 1], ...filters.map((filter) => Buffer.concat([rawText(filter), Buffer.of(0)])));
}
