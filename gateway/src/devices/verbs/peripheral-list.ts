import { commands } from "@motelet/profiles";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";
import { readPages } from "./pages.ts";

/** A list's index is one byte on the wire (SPEC §6.15). */
const maxPeripherals = 255;

const words: VerbWords = {
  name: "peripherals",
  code: "PERIPHERALS",
  unsupported: "PERIPHERALS_UNSUPPORTED",
  can: "list its peripherals",
  did: "list its peripherals",
};

/**
 * Names of the peripherals that a device's firmware has.
 * @throws RequestError PERIPHERALS_UNSUPPORTED; UnavailableError if the device is offline
 */
export function askPeripherals(
  calls: DeviceCalls,
  key: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return calls.counted(words, async () => {
    const device = await calls.ready(key, commands.peripheralList, words, signal);
    const { items } = await readPages(async (from) => {
      const page = await calls.ask(device, commands.peripheralList, { from }, { words, signal });
      return { total: page.total, items: page.entries, page };
    }, maxPeripherals);
    return items.map(({ name }) => name);
  });
}
