import type { CommandRequest, CommandSession } from "../../src/devices/verbs/command-session.ts";
import type { InvokeVerb } from "../../src/devices/verbs/invoke.ts";
import { FakeExec } from "./fake-exec.ts";

/** Peripherals that take the commands of the fake device's shell. Not done: a peripheral that is not there. */
export class FakeInvoke implements InvokeVerb {
  readonly peripherals: string[] = [];
  readonly #shell = new FakeExec();

  start(key: string, peripheral: string, request: CommandRequest): Promise<CommandSession> {
    this.peripherals.push(peripheral);
    return this.#shell.start(key, request);
  }
}
