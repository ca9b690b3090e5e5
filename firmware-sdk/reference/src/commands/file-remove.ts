import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Removes a file (SPEC §6.14). */
export const fileRemove = implement(commands.fileRemove, ({ path }, { parts }) => ({
  status: parts.files?.remove(path) ?? Status.NOT_FOUND,
}));
