import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { secondsOf } from "../seconds.ts";

/** The device's clock, from which the gateway measures skew (SPEC §6.7). */
export const time = implement(commands.time, (_args, context) => {
  const wallMs = context.wallMs();
  return wallMs === undefined ? { status: Status.FAILED_PRECONDITION } : { result: secondsOf(wallMs) };
});
