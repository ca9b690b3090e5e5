import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { buildFolder, make } from "./driver.ts";

/** The answers of the flash driver (test/flash_driver.c), whose flash is as strict as a chip; a broken rule of it throws. */
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

for (const [boots, sectorBytes, sectors, bytes, settled] of [
  [10_000, 4_096, 34, 100, 0],
  [10_000, 4_096, 34, 100, 4],
  [10_000, 4_096, 34, 9_000, 20],
  [fewBoots, 131_072, 8, 100, 4],
] as const) {
  test(`${boots} boots that each write ${bytes} bytes wear ${sectors - 2} sectors of ${sectorBytes} alike, ${settled} of which are of files that stay`, async () => {
    const [, line] = await ask(`flash ${sectorBytes} ${sectors} 1 1`, `wear ${boots} ${bytes} ${settled}`);
    const erases = (line as string).split(" ").map(Number);
    const [index, data] = [erases.slice(0, 2), erases.slice(2)];
    assert.equal(data.length, sectors - 2);
    const parts = Math.ceil(bytes / (sectorBytes - 12));
    assert.ok(mean(data) * data.length >= boots * parts, line);
    assert.ok(spread(data) < 0.1, line);
    assert.ok(Math.max(...index) < mean(data), line);
    // What moves because of wear is little.
    assert.ok(mean(data) * data.length < boots * parts * 1.1, line);
  });
}

for (const [sectorBytes, sectors, bytes] of [
  [512, 20, 1_300],
  [4_096, 8, 300],
] as const)
  for (const change of ["replace", "remove", "rename", "compact", "level"])
    test(`power that goes at any point of ${change}, in sectors of ${sectorBytes}, leaves the file before or after`, async () => {
      const [, line] = await ask(`flash ${sectorBytes} ${sectors} 1 1`, `cut ${change} ${bytes}`);
      const [, before, after] = /^before (\d+) after (\d+)$/.exec(line as string) ?? [];
      assert.ok(Number(before) > 0 && Number(after) > 0, line);
    });
