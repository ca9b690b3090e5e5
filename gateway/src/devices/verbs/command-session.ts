/** The command and the streams that a caller of exec requests. */
export interface CommandRequest {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /**
   * Whether stderr is requested. It has its own stream if the device has a free one (never with a tty); otherwise it is
   * on stdout.
   */
  readonly stderr: boolean;
  /** stdout and stderr must not be mixed: stderr uses the last free stream, and no free stream is an error. */
  readonly apart?: boolean;
}

/** How a command on the device ended. */
export interface CommandExit {
  /** Canonical status 0–16 (profiles/src/status.ts); 0 if the command ran to its end. */
  readonly status: number;
  /** The command's own exit code, on a device 0–255; meaningful if status is 0. */
  readonly exitCode: number;
  /** A sentence for people if status is not 0. */
  readonly message?: string;
}

/** A command that runs on a device. Dispose to cancel it (streams are reset on the device). */
export interface CommandSession extends AsyncDisposable {
  /** Ends when the command has ended or the device is lost; never throws: `exit` has the reason. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are within the device's window, so that a slow device slows the caller down. */
  write(bytes: Uint8Array): Promise<void>;
  /** End of stdin. */
  endInput(): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  readonly exit: Promise<CommandExit>;
}
