/** What a caller asks of a command: exec, attach or a peripheral. */
export interface CommandRequest {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** A stream of its own for stderr, if the device has one to spare (never with a tty); else stdout carries it too. */
  readonly stderr: boolean;
  /** stdout and stderr must not be mixed: the last stream is taken for it, and none to take is an error. */
  readonly apart?: boolean;
}

/** How a command on the device ended. */
export interface CommandExit {
  /** Canonical status 0–16 (profiles/src/status.ts); 0 when the command ran to its end. */
  readonly status: number;
  /** As the command gave it, on a device 0–255; meaningful when status is 0. */
  readonly exitCode: number;
  /** A sentence for people when status is not 0. */
  readonly message?: string;
}

/** A command that runs on a device. Dispose to cancel it (streams are reset on the device). */
export interface CommandSession extends AsyncDisposable {
  /** Ends when the command has ended or the device is lost; never throws: `exit` says why. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are within the device's window, so that a slow device slows the caller. */
  write(bytes: Uint8Array): Promise<void>;
  /** End of stdin. */
  endInput(): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  readonly exit: Promise<CommandExit>;
}
