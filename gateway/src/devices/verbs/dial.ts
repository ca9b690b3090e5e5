import { commands } from "@motelet/profiles";
import type { Stream } from "../../session/stream.ts";
import type { CallOptions } from "./call-options.ts";
import type { CommandExit } from "./command-session.ts";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";
import { exitOf } from "./running-command.ts";

/** A connection with a service of a device. Dispose to close it on the device. */
export interface Conversation extends AsyncDisposable {
  /** Ends when the service has ended or the device is lost; never throws: `ended` has the reason. For one reader. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are within the device's window, so that a slow device slows the caller down. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the caller's direction; the service may continue to send. */
  endInput(): Promise<void>;
  /** Status 0 if the service ended the connection by itself. */
  readonly ended: Promise<CommandExit>;
}

/**
 * Connects with services of devices (SPEC §6.10).
 * @throws RequestError DIAL_UNSUPPORTED, DIAL_NOT_FOUND; UnavailableError DEVICE_OFFLINE, DIAL_UNAVAILABLE …
 */
export interface DialVerb {
  dial(key: string, port: number, options: CallOptions): Promise<Conversation>;
}

const words: VerbWords = {
  name: "dial",
  code: "DIAL",
  unsupported: "DIAL_UNSUPPORTED",
  can: "connect with its services",
  did: "connect with its service",
};

/** Dials over the sessions of devices. */
export class SessionDial implements DialVerb {
  readonly #calls: DeviceCalls;

  constructor(calls: DeviceCalls) {
    this.#calls = calls;
  }

  dial(key: string, port: number, options: CallOptions): Promise<Conversation> {
    const { signal } = options;
    return this.#calls.counted(words, async () => {
      const device = await this.#calls.ready(key, commands.dial, words, signal);
      const stream = this.#calls.openStream(device, `port-forward to ${port}`, options);
      const args = { stream: stream.id, port };
      await this.#calls.ask(device, commands.dial, args, { words, signal, streams: [stream] });
      return new StreamConversation(stream);
    });
  }
}

class StreamConversation implements Conversation {
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<CommandExit>;
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.output = stream.read();
    this.ended = stream.ended.then(exitOf);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#stream.write(bytes);
  }

  endInput(): Promise<void> {
    return this.#stream.endInput();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.cancel();
  }
}
