import { commands, ExecFlag, limits, Status } from "@motelet/profiles";
import { type CommandContext, implement } from "../command.ts";
import { startExecution } from "../execution.ts";
import { encodedBytes } from "../fitting.ts";
import { startShellCommand } from "../shell/commands.ts";
import type { ShellCommand } from "../shell/process.ts";

/** Starts a command of the shell (SPEC §6.3). OK means started; the end of its stream has the exit code. */
export const exec = implement(commands.exec, (args, context) => ({
  status: startCommand(args, args.argv, context, (process) =>
    startShellCommand(process, args.argv, context.shell),
  ),
}));

/**
 * The part that commands with argv share.
 * @param words must leave space in a message; the first of them names the task
 */
export function startCommand(
  {
    stream,
    stderrStream,
    flags,
  }: { readonly stream: number; readonly stderrStream: number; readonly flags: number },
  words: readonly string[],
  { maxMessageBytes, streams, rtoMs, host }: CommandContext,
  run: ShellCommand,
): Status {
  if (encodedBytes(words) > maxMessageBytes - limits.argvReserveBytes) return Status.OUT_OF_RANGE;
  const [stdin, tty] = [(flags & ExecFlag.stdin) !== 0, (flags & ExecFlag.tty) !== 0];
  return startExecution(
    streams,
    { stream, stderrStream, name: words[0] ?? "", stdin, tty },
    rtoMs,
    host,
    run,
  );
}
