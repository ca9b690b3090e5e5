import {
  CborError,
  type CborValue,
  commands,
  decodeMessage,
  encodeMessage,
  type Message,
  MessageError,
  type ReportMessage,
  Status,
  serialAdd,
} from "@motelet/profiles";
import { StreamReceiver, StreamSender } from "../src/index.ts";

type Sendable = Exclude<Message, { kind: "unknown" }>;

export interface ExecOutcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exitCode: number | undefined;
}

/**
 * The gateway's side of one device, just enough to talk to it. It keeps one session, stores reports in memory, answers
 * beats with acks and runs one command at a time. It does not judge liveness, persist anything, check hellos or
 * know other devices.
 */
export class FakeGateway {
  readonly received: Message[] = [];
  readonly reports: ReportMessage[] = [];
  refused = 0;
  heartbeatS = 10;
  rtoMs = 200;
  #send: (message: Uint8Array) => void;
  #sid = 0;
  #boot = -1;
  #attempt = -1;
  #storedSeq = 0;
  #epoch = -1;
  #nextId = 1;
  #run: Running | undefined;
  readonly #waiting = new Map<number, (message: Message & { kind: "response" }) => void>();

  constructor(send: (message: Uint8Array) => void = () => {}) {
    this.#send = send;
  }

  /** Moves to another channel. */
  attach(send: (message: Uint8Array) => void): void {
    this.#send = send;
  }

  /** Says nothing more, but goes on listening. */
  mute(): void {
    this.#send = () => {};
  }

  send(message: Sendable): void {
    this.#send(encodeMessage(message));
  }

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
        this.#waiting.get(message.id)?.(message);
        break;
      case "data":
        this.#run?.data(message);
        break;
      case "credit":
        this.#run?.credit(message);
        break;
      default:
    }
  }

  /** Noise can pass the checksum (a 00 before the message always does); then the codec refuses it. */
  #decode(bytes: Uint8Array): Message | undefined {
    try {
      return decodeMessage(bytes).message;
    } catch (error) {
      if (!(error instanceof CborError || error instanceof MessageError)) throw error;
      this.refused++;
      return undefined;
    }
  }

  /** Lines of the device's log, as far as they are stored. */
  get lines(): string[] {
    return this.reports.flatMap(({ body }) => (body.type === "text" ? [body.text] : []));
  }

  /** Sends a request, repeats it each rto, and returns the response. */
  request(op: number, args: readonly CborValue[]): Promise<Message & { kind: "response" }> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const transmit = () => this.send({ kind: "request", id, op, args });
      const repeat = setInterval(transmit, this.rtoMs);
      this.#waiting.set(id, (response) => {
        clearInterval(repeat);
        this.#waiting.delete(id);
        resolve(response);
      });
      transmit();
    });
  }

  /** Runs a command to its end, with the whole of stdin. */
  async exec(argv: readonly string[], stdin: Uint8Array = new Uint8Array()): Promise<ExecOutcome> {
    const running = new Running((message) => this.send(message), stdin, this.rtoMs);
    this.#run = running;
    const args = commands.exec.encodeRequest({ stream: 1, stderrStream: 2, flags: 1, argv });
    const response = await this.request(commands.exec.op, args);
    if (response.status !== Status.OK) throw new Error(`exec: status ${response.status}`);
    running.start();
    try {
      return await running.done;
    } finally {
      running.stop();
    }
  }

  #welcome(hello: Message & { kind: "hello" }): void {
    const known = hello.boot === this.#boot && hello.sid === this.#sid;
    if (!known && !(hello.boot === this.#boot && hello.attempt === this.#attempt)) this.#sid += 1;
    this.#boot = hello.boot;
    this.#attempt = hello.attempt;
    if (hello.ring && hello.ring.epoch !== this.#epoch) {
      this.#epoch = hello.ring.epoch;
      this.#storedSeq = serialAdd(hello.ring.oldestSeq, -1);
    }
    const nowMs = Date.now();
    this.send({
      kind: "welcome",
      attempt: hello.attempt,
      sid: this.#sid,
      streamsKept: known,
      time: { s: Math.floor(nowMs / 1000), ms: nowMs % 1000 },
      heartbeatS: this.heartbeatS,
      rtoMs: this.rtoMs,
      reportWindow: 4,
      storedSeq: this.#storedSeq,
    });
  }

  #store(report: ReportMessage): void {
    if (report.seq === serialAdd(this.#storedSeq, 1)) {
      this.reports.push(report);
      this.#storedSeq = serialAdd(this.#storedSeq, report.body.type === "gap" ? report.body.count : 1);
    }
    this.send({ kind: "ack", storedSeq: this.#storedSeq });
  }
}

/** One command: stdin goes out in segments, stdout and stderr are collected. */
class Running {
  readonly done: Promise<ExecOutcome>;
  readonly #send: (message: Sendable) => void;
  readonly #sender: StreamSender;
  readonly #outputs = new Map([
    [1, { receiver: new StreamReceiver(16_384), chunks: [] as Uint8Array[], ended: false }],
    [2, { receiver: new StreamReceiver(16_384), chunks: [] as Uint8Array[], ended: false }],
  ]);
  readonly #resolve: (outcome: ExecOutcome) => void;
  #exitCode: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: Sendable) => void, stdin: Uint8Array, rtoMs: number) {
    this.#send = send;
    this.#sender = new StreamSender({ bufferBytes: stdin.length + 1, rtoMs, windowBytes: 16_384 });
    this.#sender.write(stdin);
    this.#sender.finish({ status: Status.OK });
    const { promise, resolve } = Promise.withResolvers<ExecOutcome>();
    this.done = promise;
    this.#resolve = resolve;
  }

  start(): void {
    this.#timer = setInterval(() => this.#pump(), 20);
    this.#pump();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  data(message: Message & { kind: "data" }): void {
    const output = this.#outputs.get(message.stream);
    if (!output) return;
    const { bytes, end } = output.receiver.receive(message, 16_384);
    if (bytes.length > 0) output.chunks.push(bytes);
    if (end) {
      output.ended = true;
      this.#exitCode ??= end.exitCode;
    }
    this.#send({ kind: "credit", stream: message.stream, ...output.receiver.credit(16_384) });
    if ([...this.#outputs.values()].some(({ ended }) => !ended)) return;
    const [stdout, stderr] = [...this.#outputs.values()].map(({ chunks }) => Buffer.concat(chunks));
    this.#resolve({ stdout: stdout as Buffer, stderr: stderr as Buffer, exitCode: this.#exitCode });
  }

  credit(message: Message & { kind: "credit" }): void {
    if (message.stream !== 1 || message.status !== undefined) return;
    this.#sender.credit(message.next, message.window);
    this.#pump();
  }

  #pump(): void {
    const nowMs = performance.now();
    this.#sender.poll(nowMs);
    for (let segment = this.#sender.next(1000, nowMs); segment; segment = this.#sender.next(1000, nowMs)) {
      this.#send({ kind: "data", stream: 1, ...segment });
    }
  }
}
