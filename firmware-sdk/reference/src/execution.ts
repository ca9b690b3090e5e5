import { type CreditMessage, type DataMessage, limits, Status } from "@motelet/profiles";
import { type ShellCommand, type ShellProcess, type StdinReader, startShellCommand } from "./shell.ts";
import { StreamReceiver, StreamSender } from "./stream.ts";

const utf8 = new TextEncoder();
/** What a data message needs beside its bytes: heads up to 10, an end up to 4. */
const dataOverheadBytes = 14;

export interface ExecutionSettings {
  /** Streams that can be open at once; one command takes one, or two with stderr. */
  readonly streams: number;
  /** Transmit buffer of each stream, bytes. */
  readonly streamBufferBytes: number;
  readonly rxWindowBytes: number;
  readonly maxMessageBytes: number;
  readonly shell?: ReadonlyMap<string, ShellCommand>;
}

/** What a started command reaches beyond its streams. */
export interface ExecutionHost {
  uptimeMs(): number;
  reboot(): void;
  log(text: string): void;
}

export interface ExecutionRequest {
  readonly stream: number;
  /** 0: stderr goes to `stream`. */
  readonly stderrStream: number;
  readonly argv: readonly string[];
  readonly stdin: boolean;
}

/** One open stream: what it sends, what it receives, and the command behind it. */
interface Slot {
  readonly stream: number;
  readonly sender: StreamSender;
  readonly receiver: StreamReceiver;
  readonly execution: Execution;
  /** False for a stderr stream, which reads nothing. */
  readonly reads: boolean;
}

/** One running command as its shell sees it. */
class Execution implements ShellProcess {
  reader: StdinReader | undefined;
  readonly #stdout: StreamSender;
  readonly #stderr: StreamSender | undefined;
  readonly #host: ExecutionHost;

  constructor(stdout: StreamSender, stderr: StreamSender | undefined, host: ExecutionHost) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#host = host;
  }

  get room(): number {
    return this.#stdout.free;
  }

  get uptimeMs(): number {
    return this.#host.uptimeMs();
  }

  write(bytes: Uint8Array): number {
    return this.#stdout.write(bytes);
  }

  print(text: string): void {
    this.#stdout.write(utf8.encode(text));
  }

  printError(text: string): void {
    (this.#stderr ?? this.#stdout).write(utf8.encode(text));
  }

  exit(code: number): void {
    this.#stderr?.finish({ status: Status.OK });
    this.#stdout.finish({ status: Status.OK, exitCode: code & 0xff });
  }

  reboot(): void {
    this.#host.reboot();
  }

  log(text: string): void {
    this.#host.log(text);
  }
}

/** The commands that run and their streams (SPEC §5.7, §6.3). Pure: time comes in, messages go out. */
export class ExecutionTable {
  readonly #settings: ExecutionSettings;
  readonly #host: ExecutionHost;
  readonly #slots: Slot[] = [];
  readonly #maxDataBytes: number;

  constructor(settings: ExecutionSettings, host: ExecutionHost) {
    this.#settings = settings;
    this.#host = host;
    this.#maxDataBytes = Math.min(settings.maxMessageBytes, limits.messageBytes) - dataOverheadBytes;
  }

  get openStreams(): number {
    return this.#slots.length;
  }

  get deadlineMs(): number {
    return this.#slots.reduce(
      (least, slot) => Math.min(least, slot.sender.deadlineMs),
      Number.POSITIVE_INFINITY,
    );
  }

  /** @returns OK: started; RESOURCE_EXHAUSTED: a stream is taken or no slot is free */
  start(request: ExecutionRequest, rtoMs: number): Status {
    const wanted = request.stderrStream === 0 ? [request.stream] : [request.stderrStream, request.stream];
    const taken = wanted.some((stream) => this.#slot(stream));
    if (taken || this.#slots.length + wanted.length > this.#settings.streams)
      return Status.RESOURCE_EXHAUSTED;
    const makeSender = () => new StreamSender({ bufferBytes: this.#settings.streamBufferBytes, rtoMs });
    const stdout = makeSender();
    const stderr = request.stderrStream === 0 ? undefined : makeSender();
    const execution = new Execution(stdout, stderr, this.#host);
    // Stderr stands first, so that all of it is out before the end of stdout tells the exit code.
    if (stderr) this.#open(request.stderrStream, stderr, execution, false);
    this.#open(request.stream, stdout, execution, true);
    execution.reader = startShellCommand(execution, request.argv, this.#settings.shell);
    if (!request.stdin) execution.reader?.end();
    return Status.OK;
  }

  /** Takes data and returns the credit that answers it. */
  data(message: DataMessage): CreditMessage {
    const { stream, offset } = message;
    const slot = this.#slot(stream);
    if (!slot) return { kind: "credit", stream, next: offset, window: 0, status: Status.NOT_FOUND };
    const { bytes, end } = slot.receiver.receive(message, this.#room(slot));
    const reader = slot.reads ? slot.execution.reader : undefined;
    if (bytes.length > 0) reader?.take(bytes);
    if (end) reader?.end();
    return { kind: "credit", stream, ...slot.receiver.credit(this.#room(slot)) };
  }

  /** Takes a credit; one with a status cancels what runs behind the stream. */
  credit(message: CreditMessage): void {
    const slot = this.#slot(message.stream);
    if (!slot) return;
    if (message.status !== undefined) {
      this.#remove((other) => other.execution === slot.execution);
      return;
    }
    slot.sender.credit(message.next, message.window);
    if (slot.sender.finished) this.#remove((other) => other === slot);
  }

  /** Ends what runs on the stream as a POSIX shell would say it. False: nothing runs there. */
  signal(stream: number, signal: number): boolean {
    const slot = this.#slot(stream);
    if (!slot?.reads) return false;
    slot.execution.exit(128 + signal);
    return true;
  }

  runs(stream: number): boolean {
    return this.#slot(stream)?.reads === true;
  }

  /** The session goes on and the gateway has kept the streams: what was in flight is repeated. */
  resume(rtoMs: number): void {
    for (const slot of this.#slots) slot.sender.restart(rtoMs);
  }

  /** Ends everything without a word. */
  clear(): void {
    this.#slots.length = 0;
  }

  poll(nowMs: number): void {
    for (const slot of this.#slots) slot.sender.poll(nowMs);
  }

  /** The next message that may go out now; window updates before data. */
  next(nowMs: number): CreditMessage | DataMessage | undefined {
    for (const slot of this.#slots) {
      const room = this.#room(slot);
      if (slot.receiver.wantsUpdate(room)) {
        return { kind: "credit", stream: slot.stream, ...slot.receiver.credit(room) };
      }
      const segment = slot.sender.next(this.#maxDataBytes, nowMs);
      if (segment) return { kind: "data", stream: slot.stream, ...segment };
    }
    return undefined;
  }

  #room(slot: Slot): number {
    const reader = slot.reads ? slot.execution.reader : undefined;
    return reader ? reader.room : this.#settings.rxWindowBytes;
  }

  #slot(stream: number): Slot | undefined {
    return this.#slots.find((slot) => slot.stream === stream);
  }

  #open(stream: number, sender: StreamSender, execution: Execution, reads: boolean): void {
    const buffer = Math.min(this.#settings.streamBufferBytes, this.#settings.rxWindowBytes);
    this.#slots.push({ stream, sender, receiver: new StreamReceiver(buffer), execution, reads });
  }

  #remove(matches: (slot: Slot) => boolean): void {
    for (let index = this.#slots.length - 1; index >= 0; index--) {
      if (matches(this.#slots[index] as Slot)) this.#slots.splice(index, 1);
    }
  }
}
