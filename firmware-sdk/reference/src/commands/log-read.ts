import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { ageOf } from "../log-ring.ts";

/** Reads the ring of reports without changing which are sent (SPEC §6.6). */
export const logRead = implement(commands.logRead, ({ from }, { parts, nowMs }) => {
  const entry = parts.ring?.read(from);
  if (!entry) return { status: Status.NOT_FOUND };
  return { result: { seq: entry.seq, ageMs: ageOf(entry, nowMs), body: entry.body } };
});
