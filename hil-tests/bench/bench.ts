/**
 * Figures beside their rivals: a table, and build/bench.json. What `make bench` does, in about a quarter of an hour.
 *
 *   node hil-tests/bench/bench.ts [--many 5000] [--rounds 100] [cbor] [beat] [messages] [streams] [node-plane]
 * without names: all
 */
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { beatBytesFigures } from "./beat-bytes.ts";
import { cborFigures } from "./cbor.ts";
import { streamFigures } from "./exec-streams.ts";
import type { Figure } from "./figure.ts";
import { messageFigures } from "./messages.ts";
import { nodePlaneFigures } from "./node-plane.ts";

const { values, positionals } = parseArgs({
  options: { many: { type: "string", default: "5000" }, rounds: { type: "string", default: "100" } },
  allowPositionals: true,
});
const say = (what: string) => void process.stderr.write(`measuring ${what} …\n`);

type Groups = AsyncIterable<readonly Figure[]> | Iterable<readonly Figure[] | Promise<readonly Figure[]>>;
const benches: Readonly<Record<string, () => Groups>> = {
  cbor: () => [cborFigures()],
  beat: () => [beatBytesFigures()],
  messages: () => [messageFigures()],
  streams: () => [streamFigures(say, Number(values.rounds))],
  "node-plane": () => nodePlaneFigures(say, Number(values.many)),
};

const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.find((name) => benches[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`no bench ${unknown}: there is ${Object.keys(benches).join(", ")}\n`);
  process.exit(64);
}
const figures: Figure[] = [];
const build = new URL("../../build/", import.meta.url);
mkdirSync(build, { recursive: true });
for (const name of names) {
  say(name);
  for await (const group of benches[name]?.() ?? []) {
    figures.push(...group);
    writeFileSync(new URL("bench.json", build), `${JSON.stringify(figures, null, 2)}\n`);
  }
}
console.table(
  figures.map(({ value, ratio, ...figure }) => ({
    name: figure.name,
    value: Number(value.toPrecision(3)),
    unit: figure.unit,
    against: figure.against ?? "",
    ratio: ratio === null ? "" : Number(ratio.toFixed(2)),
    goal: figure.goal ?? "",
    met: figure.met ?? "",
  })),
);
