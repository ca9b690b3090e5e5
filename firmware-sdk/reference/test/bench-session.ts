import {
  type CommandRow,
  commands,
  decodeMessage,
  ExecControl,
  ExecFlag,
  encodeMessage,
  type Message,
  Status,
} from "@motelet/profiles";
import {
  type DeviceParts,
  Session,
  type SessionSettings,
  StreamReceiver,
  StreamSender,
} from "../src/index.ts";

type Sendable = Exclude<Message, { kind: "unknown" }>;
type Response = Message & { kind: "response" };

/** The gateway's end of one stream. */
export class BenchStream {
  readonly sender = new StreamSender({ bufferBytes: 1 << 20, rtoMs: 1_000, windowBytes: 16_384 });
  readonly receiver = new StreamReceiver(16_384);
  /** Bytes that the reader still takes; a reader that has stopped takes none. */
  room = 16_384;
  end: { readonly status: number; readonly exitCode?: number } | undefined;
  /** A credit with a status came. */
  refused: number | undefined;
  #chunks: Uint8Array[] = [];

  take(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(bytes.slice());
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get ended(): boolean {
    return this.end !== undefined;
  }

  get text(): string {
    return this.bytes.toString();
  }
}

/** A device's session on the table: virtual time, and a gateway that answers at once, loses nothing and stores every report. */
export class BenchSession {
  readonly session: Session;
  readonly streams = new Map<number, BenchStream>();
  readonly reports: (Message & { kind: "report" })[] = [];
  reboots = 0;
  nowMs = 0;
  #id = 0;
  #sent: Message[] = [];
  readonly #responses = new Map<number, Response>();

  constructor(parts: DeviceParts = {}, settings: Partial<SessionSettings> = {}) {
    this.session = new Session(
      {
        boot: 1,
        caps: 0xffff_ffff,
        maxMessageBytes: 1_024,
        rxWindowBytes: 16_384,
        streamBufferBytes: 16_384,
        streams: 23,
        rtoMs: 500,
        startedMs: 0,
        parts,
        ...settings,
      },
      {
        send: (bytes) => {
          this.#sent.push(decodeMessage(bytes.slice()).message);
          return true;
        },
        reboot: () => {
          this.reboots++;
        },
        wake: () => this.poll(),
      },
    );
    this.session.open(0);
    this.#sent = [];
    this.give({
      kind: "welcome",
      attempt: 1,
      sid: 7,
      streamsKept: false,
      time: { s: 1_000_000, ms: 500 },
      heartbeatS: 3_600,
      rtoMs: 500,
      reportWindow: 4,
      storedSeq: 0,
    });
  }

  /** Carries out a command. */
  request<Args, Result>(row: CommandRow<Args, Result>, args: Args): { status: Status; result?: Result } {
    const response = this.ask(row, args);
    if (!response) throw new Error(`${row.name}: no response`);
    const status = response.status as Status;
    return status === Status.OK ? { status, result: row.decodeResult(response.result) } : { status };
  }

  /** Sends a request; undefined: it is not answered yet. */
  ask<Args, Result>(row: CommandRow<Args, Result>, args: Args): Response | undefined {
    this.#id = (this.#id + 1) & 0xffff;
    const id = this.#id;
    this.#responses.delete(id);
    this.give({ kind: "request", id, op: row.op, args: row.encodeRequest(args) });
    return this.#responses.get(id);
  }

  /** The answer that came since. */
  get lastResponse(): Response | undefined {
    this.#settle();
    return this.#responses.get(this.#id);
  }

  stream(id: number): BenchStream {
    const stream = this.streams.get(id) ?? new BenchStream();
    this.streams.set(id, stream);
    return stream;
  }

  /** Starts a command on streams 1 and 2, in a terminal on stream 1 alone. */
  exec(
    argv: readonly string[],
    options: { readonly tty?: boolean; readonly stdin?: boolean } = {},
  ): BenchStream {
    const { tty = false, stdin = false } = options;
    this.streams.clear();
    const flags = (tty ? ExecFlag.tty : 0) | (stdin ? ExecFlag.stdin : 0);
    const { status } = this.request(commands.exec, { stream: 1, stderrStream: tty ? 0 : 2, flags, argv });
    if (status !== Status.OK) throw new Error(`exec: status ${status}`);
    return this.stream(1);
  }

  /** Runs a command to its end: what it printed, on stderr after stdout, and its exit code. */
  run(...argv: string[]): readonly [string, number | undefined] {
    const { text, end } = this.exec(argv);
    return [text + this.stream(2).text, end?.exitCode];
  }

  write(id: number, bytes: Uint8Array | string): void {
    const { sender } = this.stream(id);
    sender.write(Buffer.from(bytes));
    this.#settle();
  }

  endInput(id: number, status: Status = Status.OK): void {
    this.stream(id).sender.finish({ status });
    this.#settle();
  }

  signal(stream: number, signal: number): Status {
    return this.request(commands.execControl, { stream, control: ExecControl.signal, value: signal }).status;
  }

  resize(stream: number, columns: number, rows: number): Status {
    const args = { stream, control: ExecControl.resize, value: columns, value2: rows };
    return this.request(commands.execControl, args).status;
  }

  /** A reader that had stopped goes on. */
  read(id: number, room = 16_384): void {
    const stream = this.stream(id);
    stream.room = room;
    this.give({ kind: "credit", stream: id, ...stream.receiver.credit(room) });
  }

  cancel(id: number): void {
    this.give({ kind: "credit", stream: id, next: 0, window: 0, status: Status.CANCELLED });
  }

  /** Time passes; the session is polled whenever it asks to be. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let polls = 0; this.session.deadlineMs <= untilMs; polls++) {
      if (polls > 100_000) throw new Error(`the deadline stands still at ${this.nowMs}`);
      this.nowMs = Math.max(this.nowMs, this.session.deadlineMs);
      this.poll();
    }
    this.nowMs = untilMs;
    this.poll();
  }

  poll(): void {
    this.session.poll(this.nowMs);
    this.#settle();
  }

  give(message: Sendable): void {
    this.session.receive(encodeMessage(message), this.nowMs);
    this.#settle();
  }

  /** Exchanges messages until both sides have nothing more to say. */
  #settle(): void {
    for (;;) {
      const sent = this.#sent;
      this.#sent = [];
      for (const message of sent) this.#hear(message);
      for (const [id, { sender }] of this.streams) {
        for (let part = sender.next(1_000, this.nowMs); part; part = sender.next(1_000, this.nowMs))
          this.session.receive(encodeMessage({ kind: "data", stream: id, ...part }), this.nowMs);
      }
      if (this.#sent.length === 0) return;
    }
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case "response":
        this.#responses.set(message.id, message);
        break;
      case "report":
        this.reports.push(message);
        this.session.receive(encodeMessage({ kind: "ack", storedSeq: message.seq }), this.nowMs);
        break;
      case "credit": {
        const stream = this.stream(message.stream);
        if (message.status !== undefined) stream.refused = message.status;
        else stream.sender.credit(message.next, message.window);
        break;
      }
      case "data": {
        const stream = this.stream(message.stream);
        const { bytes, end } = stream.receiver.receive(message, stream.room);
        stream.take(bytes);
        stream.room -= stream.room === 16_384 ? 0 : bytes.length;
        if (end) stream.end = end;
        const credit = stream.receiver.credit(stream.room);
        this.session.receive(
          encodeMessage({ kind: "credit", stream: message.stream, ...credit }),
          this.nowMs,
        );
        break;
      }
      default:
    }
  }
}
