/**
 * A fleet in a process of its own, for measuring what a device takes: grows to the requested number of devices, and answers with
 * the least memory that it was seen with afterwards.
 *
 *   node --expose-gc fleet-process.ts <broker url>
 */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "@motelet/testing";
import { Fleet, MqttLink, seededRandom } from "../src/index.ts";

const [, , url = ""] = process.argv;
const looks = { count: 5, everyMs: 200 };
const fleets: Fleet[] = [];

async function growTo(devices: number): Promise<number> {
  const first = fleets.reduce((sum, fleet) => sum + fleet.devices.length, 0);
  const options = Array.from({ length: devices - first }, (_, index) => {
    const wireId = `mote${first + index}`;
    const random = seededRandom(first + index);
    const link = new MqttLink({ url, wireId, generation: 1, password: "x", compact: true, random });
    return { name: wireId, seed: first + index, link };
  });
  const fleet = new Fleet(options, { startsPerSecond: 1_000 });
  fleets.push(fleet);
  await fleet.start();
  await until("all are online", () => fleet.online === fleet.devices.length, 30_000);
  let min = Number.POSITIVE_INFINITY;
  for (let look = 0; look < looks.count; look++) {
    await delay(looks.everyMs);
    globalThis.gc?.();
    min = Math.min(min, process.memoryUsage.rss());
  }
  return min;
}

process.on("message", (devices: number) => {
  void growTo(devices).then((bytes) => process.send?.(bytes));
});
