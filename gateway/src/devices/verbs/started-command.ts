import { Capability, type CborValue, type CommandRow, ExecFlag, encodeCbor, limits } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { RequestError } from "../../foundation/errors.ts";
import type { Stream } from "../../session/stream.ts";
import type { DeviceCalls, ReadyDevice, VerbWords } from "./device-calls.ts";
import type { ExecRequest, ExecSession } from "./exec.ts";
import { RunningCommand } from "./running-command.ts";

/** What exec and peripheral-invoke have in common on the wire (SPEC §6.3). */
interface CommandArguments {
  readonly stream: number;
  readonly stderrStream: number;
  readonly flags: number;
  readonly argv: readonly string[];
}

/**
 * Starts a command with its streams.
 * @param beside arguments of the row's own; they share the room of argv (SPEC §6.15)
 * @throws RequestError ARGV_TOO_LONG, and what asking throws
 */
export async function startCommand<Beside extends Readonly<Record<string, CborValue>>>(
  calls: DeviceCalls,
  device: ReadyDevice,
  row: CommandRow<CommandArguments & Beside, object>,
  command: { readonly request: ExecRequest; readonly beside: Beside },
  options: { words: VerbWords; clock: Clock; signal: AbortSignal },
): Promise<ExecSession> {
  const { request, beside } = command;
  expectArgvFits(device, [[...request.argv], ...Object.values(beside)]);
  const separate = request.stderr && !request.tty && (device.caps & Capability.stderr) !== 0;
  const streams = openStreams(calls, device, separate);
  const tty = request.tty && (device.caps & Capability.tty) !== 0;
  const args = {
    ...beside,
    stream: streams.stdout.id,
    stderrStream: streams.stderr?.id ?? 0,
    flags: (request.stdin ? ExecFlag.stdin : 0) | (tty ? ExecFlag.tty : 0),
    argv: [...request.argv],
  };
  const { words, signal, clock } = options;
  const opened = [streams.stdout, ...(streams.stderr ? [streams.stderr] : [])];
  await calls.ask(device, row, args, { words, signal, streams: opened });
  return new RunningCommand(device.session, streams, request, clock);
}

function openStreams(
  calls: DeviceCalls,
  device: ReadyDevice,
  separate: boolean,
): { readonly stdout: Stream; readonly stderr: Stream | undefined } {
  const stdout = calls.openStream(device);
  try {
    return { stdout, stderr: separate ? calls.openStream(device) : undefined };
  } catch (error) {
    stdout.cancel();
    throw error;
  }
}

/** SPEC §6.3: what is given to the command must leave room for the rest of the request. */
function expectArgvFits({ key, session }: ReadyDevice, given: readonly CborValue[]): void {
  const limit = session.maxMessageBytes - limits.argvReserveBytes;
  const bytes = given.reduce<number>((sum, value) => sum + encodeCbor(value).length, 0);
  if (bytes > limit)
    throw new RequestError(
      "ARGV_TOO_LONG",
      `command of ${bytes} bytes: device ${key} takes at most ${limit}`,
    );
}
