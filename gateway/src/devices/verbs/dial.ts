import type { ExecExit } from "./exec.ts";

/** A connection with a service of a device. Dispose to close it on the device. */
export interface Conversation extends AsyncDisposable {
  /** Ends when the service has ended or the device is lost; never throws: `ended` says why. For one reader. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are within the device's window, so that a slow device slows the caller. */
  write(bytes: Uint8Array): Promise<void>;
  /** End of what we send; the service may go on answering. */
  endInput(): Promise<void>;
  /** Status 0 where the service ended the connection by itself. */
  readonly ended: Promise<ExecExit>;
}

/**
 * Connects with services of devices (SPEC §6.10).
 * @throws RequestError DIAL_UNSUPPORTED, DIAL_NOT_FOUND; UnavailableError DEVICE_OFFLINE, DIAL_UNAVAILABLE …
 */
export interface DialVerb {
  dial(key: string, port: number, options: { signal: AbortSignal }): Promise<Conversation>;
}
