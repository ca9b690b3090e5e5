import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  type CborValue,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  FrameDecoder,
  type HelloMessage,
  type Message,
  type ResponseMessage,
} from "@motelet/profiles";
import { Conversation } from "./conversation.ts";

/** What stands between the gateway and the device; bytes go in, and come out as the line lets them through. */
export type LineNoise = (bytes: Uint8Array) => Uint8Array;

export interface ExecResult {
  readonly stdout: Buffer;
  readonly status: number;
  readonly exitCode: number | undefined;
}

const rtoMs = 150;

/**
 * As much of a gateway as the C ports are tried with: welcome, acks, repeated requests, streams. It does not check the
 * device's liveness.
 */
export class Gateway implements AsyncDisposable {
  readonly hellos: HelloMessage[] = [];
  readonly reports: string[] = [];
  /** Of each of them; null: of an earlier boot. */
  readonly agesMs: (number | null)[] = [];
  text = "";
  /** Stores no report. */
  isDeaf = false;
  badFrames = 0;
  readonly #socket: Socket;
  readonly #noise: LineNoise;
  readonly #decoder = new FrameDecoder({ maxMessageBytes: 1024 });
  readonly #responses = new Map<number, (response: ResponseMessage) => void>();
  readonly #waiters = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #boot = -1;
  #storedSeq = 0;
  #ringEpoch = -1;
  #requestId = 0;
  readonly #conversations = new Map<number, Conversation>();
  #opened = 0;

  private constructor(socket: Socket, noise: LineNoise) {
    this.#socket = socket;
    this.#noise = noise;
    socket.on("data", (bytes: Buffer) => this.#take(noise(bytes)));
    socket.on("error", () => {});
    this.#timer = setInterval(() => this.#tick(), 20);
  }

  /** Connects to a device's unix socket, waiting until it listens, and asks for a hello. */
  static async connect(path: string, noise: LineNoise = (bytes) => bytes): Promise<Gateway> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const socket = connect(path);
      try {
        await once(socket, "connect");
        socket.setNoDelay?.(true);
        const gateway = new Gateway(socket, noise);
        gateway.send({ kind: "bye", reason: 1 });
        return gateway;
      } catch (error) {
        socket.destroy();
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  send(message: Message): void {
    this.#socket.write(this.#noise(encodeFrame(encodeMessage(message))));
  }

  /** Writes bytes outside frames. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Resolves when the condition holds; it is looked at whenever something came. */
  async until(what: string, condition: () => boolean, timeoutMs = 30_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => condition() && resolve();
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
    this.#waiters.add(check);
    check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(check);
    }
  }

  /** Sends a request, again each rto until it is answered. */
  async request(op: number, args: readonly CborValue[] = [], timeoutMs = 30_000): Promise<ResponseMessage> {
    const id = ++this.#requestId & 0xffff;
    let response: ResponseMessage | undefined;
    this.#responses.set(id, (got) => (response ??= got));
    const repeat = setInterval(() => this.send({ kind: "request", id, op, args }), rtoMs);
    this.send({ kind: "request", id, op, args });
    try {
      await this.until(`the response to op ${op}`, () => response !== undefined, timeoutMs);
      return response as unknown as ResponseMessage;
    } finally {
      clearInterval(repeat);
      this.#responses.delete(id);
    }
  }

  /** Asks for something that takes a stream. Each has another one: what an earlier one repeats is not taken for this one's. */
  async open(op: number, argsOf: (stream: number) => readonly CborValue[]): Promise<Conversation> {
    let stream: number;
    do stream = 1 + (this.#opened++ % 23);
    while (this.#conversations.has(stream) && this.#conversations.get(stream)?.end === undefined);
    const conversation = new Conversation({
      stream,
      windowBytes: this.hellos.at(-1)?.rxWindowBytes ?? 64,
      rtoMs,
      send: (message) => this.send(message),
    });
    this.#conversations.set(stream, conversation);
    const { status } = await this.request(op, argsOf(stream));
    if (status !== 0) {
      this.#conversations.delete(stream);
      throw new Error(`op ${op}: status ${status}`);
    }
    return conversation;
  }

  /** Sends all of the input, and collects the output. */
  async stream(
    op: number,
    argsOf: (stream: number) => readonly CborValue[],
    input?: Uint8Array,
    timeoutMs = 60_000,
  ): Promise<ExecResult> {
    const conversation = await this.open(op, argsOf);
    if (input) {
      conversation.write(input);
      conversation.endInput();
    }
    await this.until(`the end of op ${op}`, () => conversation.end !== undefined, timeoutMs);
    const { end } = conversation;
    return { stdout: conversation.bytes, status: end?.status ?? 0, exitCode: end?.exitCode };
  }

  /** Runs a command with its stdin, and collects its output. */
  exec(argv: readonly string[], input?: Uint8Array, timeoutMs = 60_000): Promise<ExecResult> {
    return this.stream(5, (stream) => [stream, 0, input ? 1 : 0, argv], input, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #tick(): void {
    for (const item of this.#decoder.expire(performance.now())) this.#item(item);
    for (const conversation of this.#conversations.values()) conversation.tick();
    this.#wake();
  }

  #take(bytes: Uint8Array): void {
    for (const item of this.#decoder.push(bytes, performance.now())) this.#item(item);
    this.badFrames = this.#decoder.badFrames;
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiters) check();
  }

  #item(item: { kind: "message" | "text"; bytes: Uint8Array }): void {
    if (item.kind === "text") this.text += Buffer.from(item.bytes).toString();
    else this.#message(decodeMessage(item.bytes).message);
  }

  #message(message: Message): void {
    switch (message.kind) {
      case "hello":
        this.#hello(message);
        break;
      case "report":
        if (!this.isDeaf && message.seq === ((this.#storedSeq + 1) & 0xffff)) {
          this.#storedSeq = message.seq;
          if (message.body.type === "text") {
            this.reports.push(message.body.text);
            this.agesMs.push(message.ageMs);
          }
        }
        this.send({ kind: "ack", storedSeq: this.#storedSeq });
        break;
      case "beat":
        this.send({ kind: "ack", storedSeq: this.#storedSeq });
        break;
      case "response":
        this.#responses.get(message.id)?.(message);
        break;
      case "data":
        this.#data(message);
        break;
      case "credit":
        this.#credit(message);
        break;
      default:
    }
  }

  #hello(hello: HelloMessage): void {
    const isKnown = hello.boot === this.#boot && hello.sid === 7;
    this.#boot = hello.boot;
    if (hello.ring && hello.ring.epoch !== this.#ringEpoch) {
      this.#ringEpoch = hello.ring.epoch;
      this.#storedSeq = (hello.ring.oldestSeq - 1) & 0xffff;
    }
    this.hellos.push(hello);
    this.send({
      kind: "welcome",
      attempt: hello.attempt,
      sid: 7,
      streamsKept: isKnown,
      time: { s: 1_700_000_000, ms: 0 },
      heartbeatS: 10,
      rtoMs,
      reportWindow: 4,
      storedSeq: this.#storedSeq,
    });
  }

  #data(data: Message & { kind: "data" }): void {
    const conversation = this.#conversations.get(data.stream);
    if (conversation) conversation.data(data);
    else this.send({ kind: "credit", stream: data.stream, next: data.offset, window: 0, status: 5 });
  }

  #credit(credit: Message & { kind: "credit" }): void {
    this.#conversations.get(credit.stream)?.credit(credit);
  }
}

/** Flips one bit in about `everyBytes` bytes, the same ones for the same seed (mulberry32). */
export function bitFlips(everyBytes: number, seed: number): LineNoise {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (bytes) =>
    bytes.map((byte) => (random() * everyBytes < 1 ? byte ^ (1 << Math.floor(random() * 8)) : byte));
}
