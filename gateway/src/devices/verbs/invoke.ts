import { commands } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { CallOptions } from "./call-options.ts";
import type { CommandRequest, CommandSession } from "./command-session.ts";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";
import { startCommand } from "./started-command.ts";

/**
 * Sends commands to peripherals of devices (SPEC §6.15).
 * @throws RequestError INVOKE_UNSUPPORTED, INVOKE_NOT_FOUND; UnavailableError if the device is offline
 */
export interface InvokeVerb {
  start(
    key: string,
    peripheral: string,
    request: CommandRequest,
    options: CallOptions,
  ): Promise<CommandSession>;
}

const words: VerbWords = {
  name: "invoke",
  code: "INVOKE",
  unsupported: "INVOKE_UNSUPPORTED",
  can: "give commands to peripherals",
  did: "give the command to its peripheral",
};

/** Sends commands to peripherals over the sessions of devices. */
export class SessionInvoke implements InvokeVerb {
  readonly #calls: DeviceCalls;
  readonly #clock: Clock;

  constructor(calls: DeviceCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  start(
    key: string,
    peripheral: string,
    request: CommandRequest,
    options: CallOptions,
  ): Promise<CommandSession> {
    return this.#calls.counted(words, async () => {
      const row = commands.peripheralInvoke;
      const device = await this.#calls.ready(key, row, words, options.signal);
      const asked = { ...options, words, clock: this.#clock };
      return startCommand(this.#calls, device, row, { request, extra: { peripheral } }, asked);
    });
  }
}
