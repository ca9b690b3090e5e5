/**
 * Writes docs/configuration.md and the tables of docs/operations.md from the gateway's sources and
 * gateway/scripts/reference/operations.yaml. With --check it writes nothing and fails when a file is stale. It always fails
 * where something that an operator meets is not explained.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { configurationPage } from "./reference/configuration.ts";
import { logEventsIn } from "./reference/log-events.ts";
import { metricsIn, metricsMissed } from "./reference/metrics.ts";
import { type Advice, gaps, operationsTables } from "./reference/operations.ts";
import { withTables } from "./reference/tables.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const sources = globSync("gateway/src/**/*.ts", { cwd: root })
  .filter((path) => !path.endsWith(".test.ts"))
  .sort();
const metrics = sources.flatMap((path) => metricsIn(read(path), path));
const events = sources.flatMap((path) => logEventsIn(read(path), path));
const advice = parse(read("gateway/scripts/reference/operations.yaml")) as Advice;

const missed = sources.flatMap((path) => metricsMissed(read(path), path, metrics));
for (const gap of [...missed, ...gaps(metrics, events, advice)]) {
  process.stderr.write(`gateway/scripts/reference/operations.yaml: ${gap}\n`);
  process.exitCode = 1;
}

const outputs: Readonly<Record<string, (current: string) => string>> = {
  "docs/configuration.md": configurationPage,
  "docs/operations.md": (current) => withTables(current, operationsTables(metrics, events, advice)),
};
const check = process.argv.includes("--check");
for (const [path, make] of Object.entries(outputs)) {
  // A page that is not there yet is stale.
  const [current = ""] = globSync(path, { cwd: root }).map(read);
  const wanted = make(current);
  if (wanted === current) continue;
  if (!check) writeFileSync(join(root, path), wanted);
  else {
    process.stderr.write(`${path} is stale: run make generate\n`);
    process.exitCode = 1;
  }
}
