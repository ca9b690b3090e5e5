import {
  CborError,
  type CborValue,
  commands,
  decodeMessage,
  ExecFlag,
  encodeMessage,
  type HelloMessage,
  limits,
  type Message,
  MessageError,
  type ReportMessage,
  type ResponseMessage,
  Status,
  serialAdd,
} from "@motelet/profiles";
import { SimulatedStream } from "./simulated-stream.ts";

type Sendable = Exclude<Message, { kind: "unknown" }>;
type ArgsOf = (stream: number) => readonly CborValue[];

export interface ExecOutcome {
  readonly stdout: Buffer;
  /** Empty unless it was asked for; the device then sends it with stdout. */
  readonly stderr: Buffer;
  readonly status: number;
  readonly exitCode: number | undefined;
}

export interface GatewayOptions {
  /** The retransmission time-out, in the welcome and for what it repeats itself; default 150. */
  readonly rtoMs?: number;
  /** Default 10. */
  readonly heartbeatS?: number;
  /** The time in welcomes; default 1,700,000,000 s. */
  readonly time?: { readonly s: number; readonly ms: number };
}

const streamIds = 23;
const pollMs = 20;
const patienceMs = 60_000;

/**
 * The gateway of one device, at the level of messages: the one simulated gateway for all tests of the SDKs. It welcomes
 * hellos, keeps one session, acks beats, stores reports in order, repeats requests and moves the bytes of streams.
 *
 * What it does not do: admit or authenticate a device, judge whether it is alive, check what a hello announces, persist
 * anything, know a second device, keep at-most-once requests across a restart, back off, or limit what it keeps.
 */
export class SimulatedGateway {
  /** All messages, oldest first. */
  readonly received: Message[] = [];
  readonly hellos: HelloMessage[] = [];
  /** As far as they are stored. */
  readonly reports: ReportMessage[] = [];
  readonly streams = new Map<number, SimulatedStream>();
  /** Messages that the codec refused: noise that passed the checksum. */
  refused = 0;
  /** Stores no report, and acks none. */
  isDeaf = false;
  readonly #options: Required<GatewayOptions>;
  readonly #responses = new Map<number, (response: ResponseMessage) => void>();
  #send: (message: Uint8Array) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #sid = 0;
  #boot = -1;
  #attempt = -1;
  #ringEpoch = -1;
  #storedSeq = 0;
  #requestId = 0;
  #opened = 0;

  constructor(options: GatewayOptions = {}) {
    this.#options = { rtoMs: 150, heartbeatS: 10, time: { s: 1_700_000_000, ms: 0 }, ...options };
  }

  /** Moves to another channel. */
  attach(send: (message: Uint8Array) => void): void {
    this.#send = send;
  }

  /** Sends nothing more, but goes on listening. */
  mute(): void {
    this.#send = () => {};
  }

  send(message: Sendable): void {
    this.#send(encodeMessage(message));
  }

  /** Takes a message of the device. */
  receive(bytes: Uint8Array): void {
    const message = this.#decode(bytes);
    if (!message) return;
    this.received.push(message);
    switch (message.kind) {
      case "hello":
        this.#welcome(message);
        break;
      case "beat":
        this.send({ kind: "ack", storedSeq: this.#storedSeq });
        break;
      case "report":
        this.#store(message);
        break;
      case "response":
        this.#responses.get(message.id)?.(message);
        break;
      case "data":
        this.#data(message);
        break;
      case "credit":
        this.streams.get(message.stream)?.credit(message);
        break;
      default:
    }
  }

  /** Lines of the device's log, as far as they are stored. */
  get lines(): string[] {
    return this.reports.flatMap(({ body }) => (body.type === "text" ? [body.text] : []));
  }

  /** Sends a request once, and calls back when its response arrives. @returns its id */
  ask(op: number, args: readonly CborValue[], answered: (response: ResponseMessage) => void): number {
    const id = (this.#requestId = (this.#requestId + 1) & 0xffff);
    this.#responses.set(id, (response) => {
      this.#responses.delete(id);
      answered(response);
    });
    this.send({ kind: "request", id, op, args });
    return id;
  }

  /** Sends a request, again each rto until it is answered. @throws when it is not answered within `timeoutMs` */
  async request(op: number, args: readonly CborValue[] = [], timeoutMs = 10_000): Promise<ResponseMessage> {
    const { promise, resolve } = Promise.withResolvers<ResponseMessage>();
    const id = this.ask(op, args, resolve);
    const repeat = setInterval(() => this.send({ kind: "request", id, op, args }), this.#options.rtoMs);
    try {
      return await within(promise, timeoutMs, `the response to op ${op}`);
    } finally {
      clearInterval(repeat);
      this.#responses.delete(id);
    }
  }

  /** Its end of a stream; made when there is none yet. */
  stream(id: number): SimulatedStream {
    const hello = this.hellos.at(-1);
    const stream =
      this.streams.get(id) ??
      new SimulatedStream({
        stream: id,
        windowBytes: hello?.rxWindowBytes ?? limits.initialWindowBytes,
        maxMessageBytes: hello?.maxMessageBytes ?? limits.messageBytes,
        rtoMs: this.#options.rtoMs,
        send: (message) => this.send(message as Sendable),
      });
    this.streams.set(id, stream);
    return stream;
  }

  /** Requests something that takes a stream. Each gets another id: what an earlier one repeats is not taken for this one's. */
  async open(op: number, argsOf: ArgsOf): Promise<SimulatedStream> {
    const stream = this.#freeStream();
    const { status } = await this.request(op, argsOf(stream.stream));
    if (status !== Status.OK) {
      this.streams.delete(stream.stream);
      throw new Error(`op ${op}: status ${status}`);
    }
    return stream;
  }

  /** Requests something that takes a stream, sends all of the input, and collects the output. */
  async transfer(
    op: number,
    argsOf: ArgsOf,
    input?: Uint8Array,
    timeoutMs = patienceMs,
  ): Promise<ExecOutcome> {
    const stream = await this.open(op, argsOf);
    if (input) {
      stream.write(input);
      stream.endInput();
    }
    const { status, exitCode } = await within(stream.whenEnded, timeoutMs, `the end of op ${op}`);
    return { stdout: stream.bytes, stderr: Buffer.alloc(0), status, exitCode };
  }

  /** Runs a command with its stdin, and collects what it prints. */
  async exec(
    argv: readonly string[],
    input?: Uint8Array,
    options: { readonly withStderr?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<ExecOutcome> {
    const errors = options.withStderr ? this.#freeStream() : undefined;
    const stderrStream = errors?.stream ?? 0;
    const flags = input ? ExecFlag.stdin : 0;
    const argsOf: ArgsOf = (stream) => commands.exec.encodeRequest({ stream, stderrStream, flags, argv });
    const outcome = await this.transfer(commands.exec.op, argsOf, input, options.timeoutMs);
    await errors?.whenEnded;
    return errors ? { ...outcome, stderr: errors.bytes } : outcome;
  }

  #decode(bytes: Uint8Array): Message | undefined {
    try {
      return decodeMessage(bytes).message;
    } catch (error) {
      if (!(error instanceof CborError || error instanceof MessageError)) throw error;
      this.refused++;
      return undefined;
    }
  }

  #freeStream(): SimulatedStream {
    let id: number;
    do id = 1 + (this.#opened++ % streamIds);
    while (this.streams.has(id) && this.streams.get(id)?.end === undefined);
    this.streams.delete(id);
    this.#timer ??= setInterval(() => this.#poll(), pollMs).unref();
    return this.stream(id);
  }

  /** Repeats what was lost, as long as a stream is open. */
  #poll(): void {
    const open = [...this.streams.values()].filter(({ end }) => end === undefined);
    for (const stream of open) stream.poll(performance.now());
    if (open.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #welcome(hello: HelloMessage): void {
    this.hellos.push(hello);
    const streamsKept = hello.boot === this.#boot && hello.sid === this.#sid;
    if (!streamsKept && !(hello.boot === this.#boot && hello.attempt === this.#attempt)) this.#sid += 1;
    this.#boot = hello.boot;
    this.#attempt = hello.attempt;
    if (hello.ring && hello.ring.epoch !== this.#ringEpoch) {
      this.#ringEpoch = hello.ring.epoch;
      this.#storedSeq = serialAdd(hello.ring.oldestSeq, -1);
    }
    const { attempt } = hello;
    const stored = { reportWindow: 4, storedSeq: this.#storedSeq };
    this.send({ kind: "welcome", attempt, sid: this.#sid, streamsKept, ...this.#options, ...stored });
  }

  #store(report: ReportMessage): void {
    if (!this.isDeaf && report.seq === serialAdd(this.#storedSeq, 1)) {
      this.reports.push(report);
      this.#storedSeq = serialAdd(this.#storedSeq, report.body.type === "gap" ? report.body.count : 1);
    }
    this.send({ kind: "ack", storedSeq: this.#storedSeq });
  }

  #data(data: Message & { kind: "data" }): void {
    const { stream, offset } = data;
    const known = this.streams.get(stream);
    if (known) known.data(data);
    else this.send({ kind: "credit", stream, next: offset, window: 0, status: Status.NOT_FOUND });
  }
}

/** What a promise resolves to. @throws when it does not in time */
async function within<T>(awaited: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([awaited, promise]);
  } finally {
    clearTimeout(timer);
  }
}
