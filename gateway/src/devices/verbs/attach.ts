import type { ExecSession } from "./exec.ts";

/**
 * Attaches to the console of devices (SPEC §6.5); over a serial line also to one whose firmware has no console command.
 * @throws RequestError ATTACH_UNSUPPORTED; UnavailableError where the device is away or its console is taken
 */
export interface AttachVerb {
  attach(
    key: string,
    request: { stdin: boolean; stdout: boolean; tty: boolean },
    options: { signal: AbortSignal },
  ): Promise<ExecSession>;
}
