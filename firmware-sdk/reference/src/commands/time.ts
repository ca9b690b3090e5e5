import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** The device's clock, from which the gateway measures skew (SPEC §6.7). */
export const time = implement(commands.time, (_args, { wallMs }) =>
  wallMs === undefined
    ? { status: Status.FAILED_PRECONDITION }
    : { result: { s: Math.floor(wallMs / 1000), ms: Math.floor(wallMs % 1000) } },
);
