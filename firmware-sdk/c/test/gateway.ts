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
  serialDistance,
} from "@motelet/profiles";

/** What stands between the gateway and the device; bytes go in, and come out as the line lets them through. */
export type LineNoise = (bytes: Uint8Array) => Uint8Array;

export interface ExecResult {
  readonly stdout: Buffer;
  readonly status: number;
  readonly exitCode: number | undefined;
}

interface Execution {
  /** Another one each time: what an earlier exec repeats must not be taken for this one's. */
  readonly stream: number;
  readonly input: Uint8Array;
  readonly output: Buffer[];
  acked: number;
  sent: number;
  limit: number;
  next: number;
  progressAt: number;
  settled: (result: ExecResult) => void;
}

const rtoMs = 150;
const chunkBytes = 200;

/**
 * As much of a gateway as the C ports are tried with: welcome, acks, repeated requests, one exec at a time. It does not
 * check the device's liveness, and takes only whole data.
 */
export class Gateway implements AsyncDisposable {
  readonly hellos: HelloMessage[] = [];
  readonly reports: string[] = [];
  text = "";
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
  #execution: Execution | undefined;
  #executions = 0;

  private constructor(socket: Socket, noise: LineNoise) {
    this.#socket = socket;
    this.#noise = noise;
    socket.on("data", (bytes: Buffer) => this.#take(noise(bytes)));
    socket.on("error", () => {});
    this.#timer = setInterval(() => this.#tick(), 20);
  }

  /** Connects to a device's unix socket, waiting until it listens, and asks for a hello. */
  static async connect(path: string, noise: LineNoise = (bytes) => bytes): Promise<Gateway> {
    const deadline = performance.now() + 10_000;
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
  async until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
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
  async request(op: number, args: readonly CborValue[] = [], timeoutMs = 10_000): Promise<ResponseMessage> {
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

  /** Runs a command with its stdin, and collects its output. */
  async exec(argv: readonly string[], input?: Uint8Array, timeoutMs = 60_000): Promise<ExecResult> {
    let result: ExecResult | undefined;
    const execution: Execution = {
      stream: 1 + (this.#executions++ % 23),
      input: input ?? new Uint8Array(0),
      output: [],
      acked: 0,
      sent: 0,
      limit: 0,
      next: 0,
      progressAt: performance.now(),
      settled: (got) => (result = got),
    };
    this.#execution = execution;
    const { status } = await this.request(5, [execution.stream, 0, input ? 1 : 0, argv]);
    if (status !== 0) throw new Error(`exec ${argv.join(" ")}: status ${status}`);
    if (input) {
      execution.limit = this.hellos.at(-1)?.rxWindowBytes ?? 64;
      this.#sendInput(execution);
    }
    await this.until(`exec ${argv.join(" ")}`, () => result !== undefined, timeoutMs);
    return result as unknown as ExecResult;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #tick(): void {
    for (const item of this.#decoder.expire(performance.now())) this.#item(item);
    const execution = this.#execution;
    if (execution && execution.limit > 0 && performance.now() - execution.progressAt > rtoMs) {
      // Lost, or blocked: from the last credit on, or an empty probe.
      execution.sent = execution.acked;
      execution.progressAt = performance.now();
      this.#sendInput(execution, true);
    }
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
        if (message.seq === ((this.#storedSeq + 1) & 0xffff)) {
          this.#storedSeq = message.seq;
          if (message.body.type === "text") this.reports.push(message.body.text);
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
    const execution = this.#execution;
    if (execution?.stream !== data.stream) {
      this.send({ kind: "credit", stream: data.stream, next: data.offset, window: 0, status: 5 });
      return;
    }
    const known = serialDistance(execution.next & 0xffff, data.offset);
    let ended = false;
    if (known >= 0 && known <= data.bytes.length) {
      execution.output.push(Buffer.from(data.bytes.subarray(known)));
      execution.next += data.bytes.length - known;
      if (data.end) {
        ended = true;
        execution.next++;
      }
    }
    this.send({ kind: "credit", stream: data.stream, next: execution.next & 0xffff, window: 4096 });
    if (ended && data.end) {
      this.#execution = undefined;
      execution.settled({
        stdout: Buffer.concat(execution.output),
        status: data.end.status,
        exitCode: data.end.exitCode,
      });
    }
  }

  #credit(credit: Message & { kind: "credit" }): void {
    const execution = this.#execution;
    if (execution?.stream !== credit.stream) return;
    const advanced = (credit.next - (execution.acked & 0xffff)) & 0xffff;
    if (advanced > execution.input.length + 1 - execution.acked) return;
    execution.acked += advanced;
    execution.sent = Math.max(execution.sent, execution.acked);
    if (execution.acked + credit.window > execution.limit || advanced > 0)
      execution.progressAt = performance.now();
    execution.limit = execution.acked + credit.window;
    this.#sendInput(execution);
  }

  #sendInput(execution: Execution, probe = false): void {
    const { input } = execution;
    let isDue = probe;
    while (execution.sent <= input.length) {
      const count = Math.min(
        chunkBytes,
        input.length - execution.sent,
        Math.max(0, execution.limit - execution.sent),
      );
      const isLast = execution.sent + count === input.length;
      if (count === 0 && !isLast && !isDue) return;
      isDue = false;
      this.send({
        kind: "data",
        stream: execution.stream,
        offset: execution.sent & 0xffff,
        bytes: input.subarray(execution.sent, execution.sent + count),
        ...(isLast ? { end: { status: 0 } } : {}),
      });
      if (count === 0 && !isLast) return;
      execution.sent += count + (isLast ? 1 : 0);
    }
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
