/**
 * Figures compared with other programs: a table, and build/bench.json. What `make bench` does, in about a quarter of an hour. Each phase is a
 * process with a deadline: one that fails costs the others nothing, and its reason is printed below the table.
 *
 *   node hil-tests/bench/bench.ts [--many 5000] [--rounds 100] [cbor] [beat] [messages] [streams] [node-plane | start-up | small-fleet | large-fleet | tls-fleet]
 * without names: all
 */
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RigError } from "../rig/errors.ts";
import { nodeFlags } from "../rig/gateway-process.ts";
import { beatBytesFigures } from "./beat-bytes.ts";
import { cborFigures } from "./cbor.ts";
import type { Figure } from "./figure.ts";
import { messageFigures } from "./messages.ts";
import { nodePlanePhases } from "./node-plane.ts";
import type { Phase } from "./phase.ts";
import { figuresLine, runPhase } from "./phase-process.ts";
import { streamFigures } from "./streams/exec-streams.ts";

const { values, positionals } = parseArgs({
  options: {
    many: { type: "string", default: "5000" },
    rounds: { type: "string", default: "100" },
    /** Plays this one phase, in this process. */
    phase: { type: "string" },
  },
  allowPositionals: true,
});

const nodePlane = nodePlanePhases(Number(values.many));
const phases: Readonly<Record<string, Phase>> = {
  cbor: { deadlineS: 120, figures: () => [cborFigures()] },
  beat: { deadlineS: 60, figures: () => [beatBytesFigures()] },
  messages: { deadlineS: 300, figures: () => [messageFigures()] },
  streams: { deadlineS: 900, figures: (say) => [streamFigures(say, Number(values.rounds))] },
  ...nodePlane,
};

if (values.phase === undefined) await runAll();
else await play(values.phase);

async function play(name: string): Promise<void> {
  const say = (what: string) => void process.stderr.write(`${what}\n`);
  try {
    for await (const group of phases[name]?.figures(say) ?? [])
      process.stdout.write(`${figuresLine(group)}\n`);
  } catch (error) {
    // Its message says what is missing; where in the bench it was missed helps only with faults of the bench.
    say(error instanceof RigError ? error.message : String(error instanceof Error ? error.stack : error));
    process.exitCode = 1;
  }
}

async function runAll(): Promise<void> {
  const names = positionals.flatMap((name) => (name === "node-plane" ? Object.keys(nodePlane) : [name]));
  const unknown = names.find((name) => phases[name] === undefined);
  if (unknown !== undefined) {
    process.stderr.write(`no bench ${unknown}: there is node-plane, ${Object.keys(phases).join(", ")}\n`);
    process.exit(64);
  }
  const build = new URL("../../build/", import.meta.url);
  mkdirSync(build, { recursive: true });
  const figures: Figure[] = [];
  const failures: string[] = [];
  for (const name of names.length > 0 ? names : Object.keys(phases)) {
    process.stderr.write(`measuring ${name} …\n`);
    const { error } = await runPhase({
      name,
      command: process.execPath,
      args: [...nodeFlags, fileURLToPath(import.meta.url), "--phase", name, ...options()],
      deadlineS: phases[name]?.deadlineS ?? 0,
      took: (group) => {
        figures.push(...group);
        writeFileSync(new URL("bench.json", build), `${JSON.stringify(figures, null, 2)}\n`);
      },
      said: (line) => void process.stderr.write(`  ${line}\n`),
    });
    if (error) failures.push(error.message);
  }
  console.table(figures.map(rowOf));
  for (const failure of failures) process.stderr.write(`failed: ${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

function options(): string[] {
  return ["--many", values.many, "--rounds", values.rounds];
}

function rowOf({ value, ratio, ...figure }: Figure) {
  return {
    name: figure.name,
    value: Number(value.toPrecision(3)),
    unit: figure.unit,
    against: figure.against ?? "",
    ratio: ratio === null ? "" : Number(ratio.toFixed(2)),
    goal: figure.goal ?? "",
    met: figure.met ?? "",
  };
}
