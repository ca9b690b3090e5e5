import {
  type CommandRow,
  commands,
  ExecControl,
  ExecFlag,
  encodeMessage,
  type Message,
  type ReportMessage,
  type ResponseMessage,
  Status,
} from "@motelet/profiles";
import { SimulatedGateway, type SimulatedStream } from "@motelet/testing";
import { type DeviceParts, Session, type SessionSettings } from "../src/index.ts";

type Sendable = Exclude<Message, { kind: "unknown" }>;

/** A device's session in virtual time, with a simulated gateway that answers at once and loses nothing. */
export class BenchSession {
  readonly session: Session;
  readonly gateway = new SimulatedGateway({
    rtoMs: 500,
    heartbeatS: 3_600,
    time: { s: 1_000_000, ms: 500 },
  });
  reboots = 0;
  nowMs = 0;
  #sent: Uint8Array[] = [];
  #lastResponse: ResponseMessage | undefined;

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
          this.#sent.push(bytes.slice());
          return true;
        },
        reboot: () => {
          this.reboots++;
        },
        wake: () => this.poll(),
      },
    );
    this.gateway.attach((bytes) => this.session.receive(bytes, this.nowMs));
    this.session.open(0);
    this.#settle();
  }

  get streams(): Map<number, SimulatedStream> {
    return this.gateway.streams;
  }

  get reports(): readonly ReportMessage[] {
    return this.gateway.reports;
  }

  /** Carries out a command. */
  request<Args, Result>(row: CommandRow<Args, Result>, args: Args): { status: Status; result?: Result } {
    const response = this.ask(row, args);
    if (!response) throw new Error(`${row.name}: no response`);
    const status = response.status as Status;
    return status === Status.OK ? { status, result: row.decodeResult(response.result) } : { status };
  }

  /** Sends a request, with the gateway's end of each stream that it names; undefined: it is not answered yet. */
  ask<Args, Result>(row: CommandRow<Args, Result>, args: Args): ResponseMessage | undefined {
    const { stream = 0, stderrStream = 0 } = args as { stream?: number; stderrStream?: number };
    for (const id of [stream, stderrStream]) if (id > 0) this.stream(id);
    this.#lastResponse = undefined;
    this.gateway.ask(row.op, row.encodeRequest(args), (response) => {
      this.#lastResponse = response;
    });
    return this.lastResponse;
  }

  /** The response to the last request, once it is there. */
  get lastResponse(): ResponseMessage | undefined {
    this.#settle();
    return this.#lastResponse;
  }

  stream(id: number): SimulatedStream {
    return this.gateway.stream(id);
  }

  /** Starts a command on streams 1 and 2, in a terminal on stream 1 alone. */
  exec(
    argv: readonly string[],
    options: { readonly tty?: boolean; readonly stdin?: boolean } = {},
  ): SimulatedStream {
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
    this.stream(id).write(bytes);
    this.#settle();
  }

  endInput(id: number, status: Status = Status.OK): void {
    this.stream(id).endInput(status);
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
  read(id: number): void {
    this.stream(id).read();
    this.#settle();
  }

  cancel(id: number): void {
    this.stream(id).cancel();
    this.#settle();
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

  /** Gives the device a message that the simulated gateway would not send. */
  give(message: Sendable): void {
    this.session.receive(encodeMessage(message), this.nowMs);
    this.#settle();
  }

  /** Exchanges messages until neither side has more to send. */
  #settle(): void {
    while (this.#sent.length > 0) for (const bytes of this.#sent.splice(0)) this.gateway.receive(bytes);
  }
}
