import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Describes the device (SPEC §6.2). */
export const info = implement(commands.info, (_args, context) => ({ result: context.info }));
