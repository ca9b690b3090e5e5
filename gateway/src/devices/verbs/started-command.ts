import { Capability, type CborValue, type CommandRow, ExecFlag, encodeCbor, limits } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { RequestError } from "../../foundation/errors.ts";
import type { Stream } from "../../session/stream.ts";
import type { CallOptions } from "./call-options.ts";
import type { CommandRequest, CommandSession } from "./command-session.ts";
import type { DeviceCalls, ReadyDevice, VerbWords } from "./device-calls.ts";
import { RunningCommand } from "./running-command.ts";

/** What commands with argv have in common on the wire (SPEC §6.3). */
interface CommandArguments {
  readonly stream: number;
  readonly stderrStream: number;
  readonly flags: number;
  readonly argv: readonly string[];
}

/**
 * Starts a command with its streams.
 * @param extra additional arguments of the row; they share the space of argv (SPEC §6.15)
 * @throws RequestError ARGV_TOO_LONG, and the errors of a call
 */
export async function startCommand<Extra extends Readonly<Record<string, CborValue>>>(
  calls: DeviceCalls,
  device: ReadyDevice,
  row: CommandRow<CommandArguments & Extra, object>,
  command: { readonly request: CommandRequest; readonly extra: Extra },
  options: CallOptions & { readonly words: VerbWords; readonly clock: Clock },
): Promise<CommandSession> {
  const { request, extra } = command;
  expectArgvFits(device, [[...request.argv], ...Object.values(extra)]);
  const { words, signal, clock } = options;
  const opened = calls.openStreams(
    device,
    whatFor(words, request),
    keepsApart(device, request) ? 2 : 1,
    options,
  );
  const [stdout, stderr] = opened as [Stream, Stream?];
  const tty = request.tty && (device.caps & Capability.tty) !== 0;
  const args = {
    ...extra,
    stream: stdout.id,
    stderrStream: stderr?.id ?? 0,
    flags: (request.stdin ? ExecFlag.stdin : 0) | (tty ? ExecFlag.tty : 0),
    argv: [...request.argv],
  };
  await calls.ask(device, row, args, { words, signal, streams: opened });
  return new RunningCommand(device.session, { stdout, stderr }, request, clock);
}

/**
 * Whether stderr gets a stream of its own. One command must not take what others need: of what the device has, one
 * stream stays free for others (a forwarded port, a copy, another command); otherwise stderr arrives on stdout. A
 * caller that discards one of the two always gets a second stream if the device supports two.
 */
function keepsApart({ caps, session }: ReadyDevice, request: CommandRequest): boolean {
  if (!request.stderr || request.tty || (caps & Capability.stderr) === 0) return false;
  if (request.apart === true || !request.stdout) return session.maxStreams >= 2;
  return session.maxStreams - session.openStreams > 2;
}

/** The program alone: what is behind it may be a secret. */
function whatFor({ name }: VerbWords, { argv }: CommandRequest): string {
  return `${name} ${argv[0] ?? ""}`;
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
