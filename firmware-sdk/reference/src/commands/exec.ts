import { commands, ExecFlag, encodeCbor, limits, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Starts a command of the shell (SPEC §6.3). OK means started; its exit code is the end of its stream. */
export const exec = implement(commands.exec, ({ stream, stderrStream, flags, argv }, context) => {
  const argvBytes = argv.reduce((sum, text) => sum + encodeCbor(text).length, 0);
  if (argvBytes > context.maxMessageBytes - limits.argvReserveBytes) return { status: Status.OUT_OF_RANGE };
  const stdin = (flags & ExecFlag.stdin) !== 0;
  const status = context.executions.start({ stream, stderrStream, argv, stdin }, context.rtoMs);
  return status === Status.OK ? { result: {} } : { status };
});
