import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Proves that the device is alive. */
export const ping = implement(commands.ping, () => ({ result: {} }));
