import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { encodedBytes, fitting, responseBytes } from "../fitting.ts";

/** The peripherals from an index on, as many as fit (SPEC §6.15). */
export const peripheralList = implement(commands.peripheralList, ({ from }, { parts, maxMessageBytes }) => {
  const all = (parts.peripherals ?? []).map(({ name, kind }) => ({ name, kind }));
  const total = all.length;
  const empty = encodedBytes(commands.peripheralList.encodeResult({ total, entries: [] }));
  const measure = (entry: (typeof all)[number]) =>
    encodedBytes(commands.peripheralList.encodeResult({ total, entries: [entry] })) - empty;
  const entries = fitting(all.slice(from), measure, maxMessageBytes - responseBytes - empty);
  return entries ? { result: { total, entries } } : { status: Status.OUT_OF_RANGE };
});
