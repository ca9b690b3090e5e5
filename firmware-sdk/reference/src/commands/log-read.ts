import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Reads the ring without changing what is sent (SPEC §6.6). */
export const logRead = implement(commands.logRead, ({ from }, { ring, nowMs }) => {
  const entry = ring?.read(from);
  if (!entry) return { status: Status.NOT_FOUND };
  const ageMs = Math.max(0, Math.floor(nowMs - entry.recordedMs));
  return { result: { seq: entry.seq, ageMs, body: entry.body } };
});
