import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage } from "@motelet/profiles";
import { simulatedSensors } from "./sensors.ts";

test("the same seed senses the same life, within what a beat can carry", () => {
  const options = { seed: 5, ramKiB: 512, radio: true };
  const [one, two] = [simulatedSensors(options), simulatedSensors(options)];
  let min = Number.POSITIVE_INFINITY;
  let last: number | undefined;
  for (let beat = 0; beat < 10_000; beat++) {
    const values = one.sense();
    assert.deepEqual(values, two.sense());
    encodeMessage({ kind: "beat", uptimeS: beat, ...values });
    const temperature = values.temperatureC as number;
    assert.ok(last === undefined || Math.abs(temperature - last) <= 4);
    last = temperature;
    assert.equal(one.heap.freeBytes, (values.heapFree64 as number) * 64);
    min = Math.min(min, one.heap.freeBytes);
    assert.ok(one.heap.minBytes <= min && one.heap.freeBytes < 512 * 1024);
  }
});
