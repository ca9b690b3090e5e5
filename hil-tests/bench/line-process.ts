import process from "node:process";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../rig/gateway-process.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";

/** Starts a script of `processes/`, whose failure fails the bench, and returns it with the first line that it says. */
export async function startScript(
  script: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<{ process: RunningProcess; firstLine: string }> {
  const path = fileURLToPath(new URL(`processes/${script}.ts`, import.meta.url));
  const started = startProcess({
    name: script,
    vital: true,
    command: process.execPath,
    args: [...nodeFlags, ...flags, path, ...args],
  });
  const [firstLine] = await started.waitForLine(/.+/, { deadlineMs: 30_000 });
  return { process: started, firstLine };
}

/** Says a line to a script and returns its answer, JSON that repeats the question. */
export async function ask<T>(script: RunningProcess): Promise<T> {
  const question = `q${++questions}`;
  script.stdin.write(`${question}\n`);
  const [line] = await script.waitForLine(new RegExp(`^\\{"question":"${question}".*`), {
    deadlineMs: 30_000,
  });
  return JSON.parse(line) as T;
}

let questions = 0;
