import { commands } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { CallOptions } from "./call-options.ts";
import type { CommandRequest, CommandSession } from "./command-session.ts";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";
import { startCommand } from "./started-command.ts";

/**
 * Exec as the kubelet layer needs it; the real one runs over the device's session.
 * @throws UnavailableError if the device is not online, RequestError if it refuses the command
 */
export interface ExecVerb {
  start(key: string, request: CommandRequest, options: CallOptions): Promise<CommandSession>;
}

const words: VerbWords = {
  name: "exec",
  code: "EXEC",
  unsupported: "EXEC_UNSUPPORTED",
  can: "run commands",
  did: "start the command",
};

/** Runs commands over devices' sessions (SPEC §6.3). */
export class SessionExec implements ExecVerb {
  readonly #calls: DeviceCalls;
  readonly #clock: Clock;

  constructor(calls: DeviceCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  start(key: string, request: CommandRequest, options: CallOptions): Promise<CommandSession> {
    return this.#calls.counted(words, async () => {
      const device = await this.#calls.ready(key, commands.exec, words, options.signal);
      const asked = { ...options, words, clock: this.#clock };
      return startCommand(this.#calls, device, commands.exec, { request, extra: {} }, asked);
    });
  }
}
