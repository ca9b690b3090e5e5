import type { CpuAccount, CpuMeter } from "../board/cpu-meter.ts";
import { ExitCode } from "./call.ts";
import type { DeviceParts, RunningCommand, ShellCommand, ShellProcess, Terminal } from "./process.ts";

/** The output of a command. */
export interface JobOutput {
  /** Bytes that `write` accepts now. */
  readonly free: number;
  /** Accepts as many of the bytes as fit and returns how many. */
  write(bytes: Uint8Array): number;
}

/** The parts of the device that commands use. */
export interface ShellHost {
  readonly uptimeMs: number;
  readonly nowMs: number;
  readonly parts: DeviceParts;
  /** Absent: processor time is not measured. */
  readonly meter?: CpuMeter | undefined;
  /** The running commands, for `ps`; jobs add and remove themselves. */
  readonly jobs: Set<ShellJob>;
  reboot(): void;
  log(text: string): void;
}

export interface JobOptions {
  readonly name: string;
  readonly host: ShellHost;
  readonly out: JobOutput;
  /** Absent: stderr goes to `out`. */
  readonly err?: JobOutput | undefined;
  /** If there is a terminal, its line discipline is applied to input and output. */
  readonly terminal?: Terminal | undefined;
  /** Whether newlines of the output get a carriage return; default: on a terminal. */
  readonly returns?: boolean;
  /** The command has ended, and all of its output was accepted. */
  readonly onExit: (code: number) => void;
}

/** Text that waits for room; more is dropped, because a command that prints so much has to look at `room`. */
const waitingTextBytes = 64 * 1024;
const signals = { interrupt: 2 } as const;
const control = { interrupt: 0x03, endOfInput: 0x04, newline: 0x0a, carriageReturn: 0x0d } as const;

const utf8 = new TextEncoder();

/** One running command: its input, its output, and its result. */
export class ShellJob implements ShellProcess {
  readonly account: CpuAccount;
  readonly #options: JobOptions;
  readonly #host: ShellHost;
  readonly #returns: boolean;
  #terminal: Terminal | undefined;
  #command: RunningCommand | undefined;
  /** Printed text that had no room yet. */
  #waiting: { readonly output: JobOutput; readonly bytes: Uint8Array }[] = [];
  #waitingBytes = 0;
  #exitCode: number | undefined;
  #over = false;
  #inputEnded = false;
  #lineBegins = true;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#terminal = options.terminal;
    this.#returns = options.returns ?? options.terminal !== undefined;
    this.account = { name: options.name, busyMs: 0 };
  }

  start(command: ShellCommand, args: readonly string[]): void {
    this.#host.jobs.add(this);
    this.#run(() => {
      this.#command = command(this, args);
    });
  }

  get room(): number {
    const free = this.#options.out.free;
    if (this.#waitingBytes > 0) return 0;
    return this.#returns ? free >> 1 : free;
  }

  get uptimeMs(): number {
    return this.#host.uptimeMs;
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  get parts(): DeviceParts {
    return this.#host.parts;
  }

  get terminal(): Terminal | undefined {
    return this.#terminal;
  }

  /** When `step` must be called although no input arrived. */
  get wakeAtMs(): number {
    const wakeAtMs = this.#exitCode === undefined ? this.#command?.wakeAtMs : undefined;
    return wakeAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether it has ended, although its output may still wait. */
  get ended(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Bytes of stdin that it accepts now; undefined: it does not read stdin, and drops it. */
  get inputRoom(): number | undefined {
    return this.#command?.take ? (this.#command.room ?? 0) : undefined;
  }

  write(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.room);
    this.#options.out.write(this.#returns ? withReturns(taken) : taken);
    return taken.length;
  }

  print(text: string): void {
    this.#print(this.#options.out, text);
  }

  printError(text: string): void {
    this.#print(this.#options.err ?? this.#options.out, text);
  }

  exit(code: number): void {
    if (this.#exitCode !== undefined) return;
    const carried = Number.isInteger(code) && code >= 0 && code <= ExitCode.max;
    // The wire has a byte for it (SPEC §6.3): cut to that, 256 would be a success.
    if (!carried) this.printError(`${this.account.name}: exit code ${code}: expected 0 to ${ExitCode.max}\n`);
    // Without the sign of −0, which is no integer on the wire.
    this.#exitCode = carried ? Math.abs(code) : ExitCode.max;
  }

  reboot(): void {
    this.#host.reboot();
  }

  log(text: string): void {
    this.#host.log(text);
  }

  /** Accepts stdin, at most `inputRoom` bytes. */
  take(bytes: Uint8Array): void {
    this.#run(() => (this.#terminal ? this.#takeTyped(bytes) : this.#command?.take?.(bytes)));
  }

  endInput(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#run(() => this.#command?.end?.());
  }

  /** Ends it with the exit code of a POSIX shell. */
  signal(signal: number): void {
    this.#run(() => this.exit(ExitCode.signalled + signal));
  }

  resize(columns: number, rows: number | undefined): void {
    this.#terminal = { columns, rows: rows ?? this.#terminal?.rows ?? 0 };
    this.#run(() => this.#command?.resized?.());
  }

  /** Runs its next step. */
  step(): void {
    if (this.#over) return;
    this.#drain();
    if (this.#exitCode === undefined && this.#command?.step) this.#run(() => this.#command?.step?.());
    else this.#settle();
  }

  /** Ends it without output: nobody reads it any more. */
  kill(): void {
    this.#over = true;
    this.#host.jobs.delete(this);
  }

  #run(go: () => void): void {
    if (this.#exitCode !== undefined) return;
    if (this.#host.meter) this.#host.meter.measure(this.account, go);
    else go();
    this.#settle();
  }

  #settle(): void {
    if (this.#over || this.#exitCode === undefined) return;
    this.#drain();
    if (this.#waitingBytes > 0) return;
    this.kill();
    this.#options.onExit(this.#exitCode);
  }

  /** A terminal's input: Ctrl-C, Ctrl-D at the beginning of a line, and Enter. */
  #takeTyped(bytes: Uint8Array): void {
    const typed: number[] = [];
    const flush = () => {
      if (typed.length > 0) this.#command?.take?.(Uint8Array.from(typed.splice(0)));
    };
    for (const byte of bytes) {
      if (byte === control.interrupt) {
        flush();
        this.exit(ExitCode.signalled + signals.interrupt);
        return;
      }
      if (byte === control.endOfInput) {
        flush();
        if (!this.#lineBegins || this.#inputEnded) continue;
        this.#inputEnded = true;
        this.#command?.end?.();
        continue;
      }
      typed.push(byte === control.carriageReturn ? control.newline : byte);
      this.#lineBegins = byte === control.carriageReturn || byte === control.newline;
    }
    flush();
  }

  #print(output: JobOutput, text: string): void {
    const encoded = utf8.encode(text);
    const bytes = this.#returns ? withReturns(encoded) : encoded;
    const written = this.#isWaitingFor(output) ? 0 : output.write(bytes);
    const rest = bytes.subarray(written, written + waitingTextBytes - this.#waitingBytes);
    if (rest.length === 0) return;
    this.#waiting.push({ output, bytes: rest });
    this.#waitingBytes += rest.length;
  }

  #isWaitingFor(output: JobOutput): boolean {
    return this.#waiting.some((waiting) => waiting.output === output);
  }

  #drain(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const written = first.output.write(first.bytes);
      this.#waitingBytes -= written;
      if (written < first.bytes.length) {
        this.#waiting[0] = { output: first.output, bytes: first.bytes.subarray(written) };
        return;
      }
      this.#waiting.shift();
    }
  }
}

/** A carriage return before each newline. */
function withReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(control.newline)) return bytes;
  const out: number[] = [];
  for (const byte of bytes) {
    if (byte === control.newline) out.push(control.carriageReturn);
    out.push(byte);
  }
  return Uint8Array.from(out);
}
