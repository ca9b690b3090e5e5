import { setTimeout as delay } from "node:timers/promises";
import { residentBytes } from "./bench-cluster.ts";
import { atMost, type Figure } from "./figure.ts";

const looks = 20;
const lookMs = 1_000;
/** The slope counts as flat where each further device takes at most so much of what each of the first ones took. */
const flatFactor = 1.1;

/** Least memory of a process within 20 s: what a burst needed and was given back does not count. */
export async function restingBytes(pid: number): Promise<number> {
  let min = residentBytes(pid);
  for (let look = 0; look < looks; look++) {
    await delay(lookMs);
    min = Math.min(min, residentBytes(pid));
  }
  return min;
}

/** @param resting bytes of the gateway with no devices, with `few`, and with `many` */
export function memoryFigures(
  resting: { readonly empty: number; readonly few: number; readonly many: number },
  devices: { readonly few: number; readonly many: number },
  { limitKiB, kind }: { readonly limitKiB: number; readonly kind: string },
): Figure[] {
  const unit = "KiB";
  const each = (bytes: number, count: number) => bytes / count / 1024;
  const few = each(resting.few - resting.empty, devices.few);
  const ofFew = atMost(limitKiB, {
    name: `RSS for each of ${devices.few} devices, ${kind}`,
    value: few,
    unit,
  });
  // `--many 1000` measures no growth.
  if (devices.many <= devices.few) return [ofFew];
  const many = each(resting.many - resting.empty, devices.many);
  const slope = each(resting.many - resting.few, devices.many - devices.few);
  return [
    ofFew,
    atMost(limitKiB, { name: `RSS for each of ${devices.many} devices, ${kind}`, value: many, unit }),
    {
      ...atMost(limitKiB, { name: `RSS for each device beyond ${devices.few}, ${kind}`, value: slope, unit }),
      against: `the first ${devices.few}`,
      ratio: slope / few,
      goal: `≤ ${flatFactor} × the first ${devices.few}`,
      met: slope <= flatFactor * few,
    },
  ];
}
