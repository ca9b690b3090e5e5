import { commands } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Opens the console as a stream (SPEC §6.5). */
export const console = implement(commands.console, ({ stream }, { consoles, streams, rtoMs }) => ({
  status: consoles.openOn(stream, streams, rtoMs),
}));
