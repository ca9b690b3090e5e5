import { commands, ExecControl, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Signals or resizes the command on a stream (SPEC §6.4). */
export const execControl = implement(
  commands.execControl,
  ({ stream, control, value, value2 }, { streams }) => {
    if (control > ExecControl.resize) return { status: Status.INVALID_ARGUMENT };
    const controlled = streams.controlled(stream);
    if (!controlled) return { status: Status.NOT_FOUND };
    if (control === ExecControl.signal) controlled.signal(value);
    else controlled.resize(value, value2);
    return { result: {} };
  },
);
