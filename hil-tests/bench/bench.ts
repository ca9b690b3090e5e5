import { mkdirSync, writeFileSync } from "node:fs";
import { cborFigures, type Figure } from "./cbor.ts";

/** `make bench`: prints a table and writes build/bench.json. */
const figures: Figure[] = [...cborFigures()];
console.table(
  figures.map(({ name, value, unit, against, ratio, goal, met }) => ({
    name,
    value: Number(value.toPrecision(3)),
    unit,
    against,
    ratio: Number(ratio.toFixed(2)),
    goal,
    met,
  })),
);
const build = new URL("../../build/", import.meta.url);
mkdirSync(build, { recursive: true });
writeFileSync(new URL("bench.json", build), `${JSON.stringify(figures, null, 2)}\n`);
