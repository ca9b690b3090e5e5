import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** What the device is made of (SPEC §6.2). */
export const info = implement(commands.info, (_args, context) => ({ result: context.info }));
