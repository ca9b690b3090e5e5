import type { ExecRequest, ExecSession } from "./exec.ts";

/**
 * Gives commands to peripherals of devices (SPEC §6.15).
 * @throws RequestError INVOKE_UNSUPPORTED, INVOKE_NOT_FOUND; UnavailableError where the device is away
 */
export interface InvokeVerb {
  start(
    key: string,
    peripheral: string,
    request: ExecRequest,
    options: { signal: AbortSignal },
  ): Promise<ExecSession>;
}
