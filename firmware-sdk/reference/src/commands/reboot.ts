import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Answers, then reboots (SPEC §6.8). */
export const reboot = implement(commands.reboot, (_args, context) => {
  context.reboot();
  return { result: {} };
});
