import type { CommandRequest, CommandSession } from "../devices/verbs/command-session.ts";
import { RequestError } from "../foundation/errors.ts";
import type { Call, StreamingHandler } from "./handlers.ts";
import { expectOnline, expectTarget } from "./pod-lookup.ts";
import { serveRemoteCommand } from "./remotecommand/remote-command.ts";
import type { Serving } from "./serving.ts";

/** Limits of the gateway for arguments and their bytes; the verb checks the limit of the device. */
export const commandLimits = { arguments: 256, bytes: 32_768 } as const;

/** `/exec`: runs a command on the device (docs/kubectl.md, "exec"). */
export const streamExec: StreamingHandler = (call, serving, upgrade) => {
  const argv = parseCommand(call.query);
  return serveRemoteCommand(call, serving, upgrade, {
    expectReady: expectOnline,
    start: (streams, options) => startCommand(call, serving, { argv, ...streams }, options),
  });
};

/**
 * Reads the repeated `command` of a query.
 * @throws RequestError if it is missing or too long
 */
export function parseCommand(query: URLSearchParams): readonly string[] {
  const argv = query.getAll("command");
  const bytes = argv.reduce((sum, argument) => sum + Buffer.byteLength(argument), 0);
  if (argv.length === 0) throw new RequestError("COMMAND_MISSING", "you must specify a command to run");
  if (argv.length > commandLimits.arguments || bytes > commandLimits.bytes)
    throw new RequestError(
      "COMMAND_TOO_LONG",
      `command of ${argv.length} arguments, ${bytes} bytes: limits ${commandLimits.arguments}, ${commandLimits.bytes}`,
    );
  return argv;
}

/**
 * Starts a command where it belongs: the container of a peripheral passes it to the peripheral, the device's own
 * container to its shell, or to the emulation of `tar` for `kubectl cp`.
 */
async function startCommand(
  call: Call,
  { exec, invoke }: Serving,
  request: CommandRequest,
  options: { readonly signal: AbortSignal },
): Promise<CommandSession> {
  const target = expectTarget(call);
  const asked = { ...options, caller: call.user.name };
  if (target.kind === "peripheral") return invoke.start(target.key, target.peripheral, request, asked);
  return exec.start(target.key, request, asked);
}
