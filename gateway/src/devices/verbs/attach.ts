import { commands, hasCommand } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { RawConsoles } from "../raw-consoles.ts";
import { AttachedLine, type AttachRequest } from "./attached-line.ts";
import type { CallOptions } from "./call-options.ts";
import type { CommandRequest, CommandSession } from "./command-session.ts";
import type { DeviceCalls, ReadyDevice, VerbWords } from "./device-calls.ts";
import { RunningCommand } from "./running-command.ts";

/**
 * Attaches to the console of devices (SPEC §6.5). Over a serial line this also works if the firmware has no console
 * command.
 * @throws RequestError ATTACH_UNSUPPORTED; UnavailableError if the device is offline or its console has the maximum
 * number of readers
 */
export interface AttachVerb {
  attach(key: string, request: AttachRequest, options: CallOptions): Promise<CommandSession>;
  /** Whether the device is on an open line: then its console works even if its firmware answers nothing. */
  hasLine(key: string): boolean;
}

const words: VerbWords = {
  name: "attach",
  code: "ATTACH",
  unsupported: "ATTACH_UNSUPPORTED",
  can: "be attached to",
  did: "open its console",
};

/** Attaches over the session of a device, or directly over its serial line. */
export class SessionAttach implements AttachVerb {
  readonly #calls: DeviceCalls;
  readonly #consoles: RawConsoles;
  readonly #clock: Clock;

  constructor(calls: DeviceCalls, consoles: RawConsoles, clock: Clock) {
    this.#calls = calls;
    this.#consoles = consoles;
    this.#clock = clock;
  }

  hasLine(key: string): boolean {
    return this.#consoles.has(key);
  }

  attach(key: string, request: AttachRequest, options: CallOptions): Promise<CommandSession> {
    return this.#calls.counted(words, async () => {
      const device = await this.#calls.find(key, options.signal);
      if (device && hasCommand(device.caps, commands.console)) return this.#open(device, request, options);
      return this.#line(key, device, request);
    });
  }

  async #open(device: ReadyDevice, request: AttachRequest, options: CallOptions): Promise<CommandSession> {
    const { signal } = options;
    const stream = this.#calls.openStream(device, "attach", options);
    const args = { stream: stream.id };
    await this.#calls.ask(device, commands.console, args, { words, signal, streams: [stream] });
    const wanted: CommandRequest = { argv: [], ...request, stderr: false };
    return new RunningCommand(device.session, { stdout: stream, stderr: undefined }, wanted, this.#clock);
  }

  #line(key: string, device: ReadyDevice | undefined, request: AttachRequest): CommandSession {
    const console = this.#consoles.open(key);
    if (console === "taken")
      throw new UnavailableError(
        "ATTACH_TAKEN",
        `the console of device ${key} already has the maximum number of readers`,
      );
    if (console) return new AttachedLine(console, request, this.#clock);
    if (!device) throw new UnavailableError("DEVICE_OFFLINE", `device ${key} is not connected`);
    throw new RequestError(
      words.unsupported,
      `device ${key} cannot be attached to: its firmware lacks the capability console, and it is not on a serial line`,
    );
  }
}
