import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { Status } from "@motelet/profiles";
import { buildFolder, make } from "./driver.ts";

/** The answers of the flash driver (test/host/flash_driver.c), whose flash is as strict as a chip; a broken rule of it throws. */
async function ask(...requests: readonly string[]): Promise<string[]> {
  await make("flash-driver");
  return await new Promise((resolve, reject) => {
    const child = execFile(`${buildFolder}host/flash-driver`, (error, stdout, stderr) =>
      error
        ? reject(new Error(`${requests.join("; ")}: ${stderr || error}`))
        : resolve(stdout.trim().split("\n")),
    );
    child.stdin?.end(`${requests.join("\n")}\n`);
  });
}

/** All of them take seconds with sectors of 128 KiB. */
const fewBoots = process.env.MOTELET_SOAK ? 10_000 : 2_000;
const spread = (values: readonly number[]) => (Math.max(...values) - Math.min(...values)) / mean(values);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

for (const [boots, granule, sectorBytes, sectors, bytes, settled] of [
  [10_000, 1, 4_096, 34, 100, 0],
  [10_000, 8, 4_096, 34, 100, 4],
  [10_000, 32, 4_096, 34, 9_000, 20],
  [fewBoots, 8, 131_072, 8, 100, 4],
] as const) {
  test(`${boots} boots that each write ${bytes} bytes wear ${sectors - 2} sectors of ${sectorBytes} alike, ${settled} of which are of files that stay`, async () => {
    const [, line] = await ask(
      `flash ${sectorBytes} ${sectors} 1 ${granule}`,
      `wear ${boots} ${bytes} ${settled}`,
    );
    const erases = (line as string).split(" ").map(Number);
    const [index, data] = [erases.slice(0, 2), erases.slice(2)];
    assert.equal(data.length, sectors - 2);
    const parts = Math.ceil(bytes / (sectorBytes - 32));
    assert.ok(mean(data) * data.length >= boots * parts, line);
    assert.ok(spread(data) < 0.1, line);
    assert.ok(Math.max(...index) < mean(data), line);
    // What moves because of wear is little.
    assert.ok(mean(data) * data.length < boots * parts * 1.1, line);
  });
}

for (const granule of [0, 1, 2, 4, 8, 16, 32, 256]) {
  test(`granules of ${granule}: power that goes at any point of a change leaves the file before or after, and each is programmed once`, async () => {
    for (const [sectorBytes, sectors, indexSectors, bytes] of [
      [512, 36, 8, 1_300],
      [4_096, 8, 1, 300],
      [16_384, 6, 1, 300],
      [131_072, 6, 1, 300],
    ] as const) {
      // Large sectors of many small granules take seconds.
      if (sectorBytes > 4_096 && granule < 8 && !process.env.MOTELET_SOAK) continue;
      for (const change of ["replace", "remove", "rename", "compact", "level"]) {
        const flash = `flash ${sectorBytes} ${sectors} ${indexSectors} ${granule}`;
        const [, line] = await ask(flash, `cut ${change} ${bytes}`);
        const [, before, after] = /^before (\d+) after (\d+)$/.exec(line as string) ?? [];
        assert.ok(Number(before) > 0 && Number(after) > 0, `${flash}: ${change}: ${line}`);
      }
    }
  });

  test(`granules of ${granule}: as many files as jobs are written at a time, and one more is refused where its bytes would have to wait`, async () => {
    const flash = `flash 4096 20 1 ${granule}`;
    const lines = await ask(flash, "at once 2", flash, "at once 3");
    assert.deepEqual(lines, [
      "ok",
      `${Status.OK} ${Status.OK}`,
      "ok",
      `${Status.OK} ${Status.OK} ${granule <= 1 ? Status.OK : Status.RESOURCE_EXHAUSTED}`,
    ]);
  });
}
