import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Proves life. */
export const ping = implement(commands.ping, () => ({ result: {} }));
