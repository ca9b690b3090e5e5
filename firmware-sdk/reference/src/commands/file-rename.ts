import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Renames a file (SPEC §6.14). */
export const fileRename = implement(commands.fileRename, ({ from, to }, { parts }) => ({
  status: parts.files?.rename(from, to) ?? Status.NOT_FOUND,
}));
