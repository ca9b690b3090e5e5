import { commands, ExecControl, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Signals what runs on a stream; a resize is taken and means nothing without a terminal (SPEC §6.4). */
export const execControl = implement(commands.execControl, ({ stream, control, value }, { executions }) => {
  if (control > ExecControl.resize) return { status: Status.INVALID_ARGUMENT };
  if (!executions.runs(stream)) return { status: Status.NOT_FOUND };
  if (control === ExecControl.signal) executions.signal(stream, value);
  return { result: {} };
});
