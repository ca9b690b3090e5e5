import { setTimeout as delay } from "node:timers/promises";
import { RigError } from "../rig/errors.ts";
import { startProcess } from "../rig/process.ts";
import type { Figure } from "./figure.ts";

/** How a phase went. */
export interface PhaseOutcome {
  readonly figures: readonly Figure[];
  /** Why it has no more figures; absent where it came to its end. */
  readonly error?: RigError;
}

/** A line that a phase's process prints for each group of figures. */
export function figuresLine(figures: readonly Figure[]): string {
  return JSON.stringify({ figures });
}

/**
 * Runs a command that prints {@link figuresLine}s, and ends it at its deadline with all that it has started. Never throws: a phase
 * that dies, hangs or fails leaves its figures so far, and its last lines as the reason.
 */
export async function runPhase(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly deadlineS: number;
  /** Told of each group of figures, and of every other line. */
  readonly took?: (figures: readonly Figure[]) => void;
  readonly said?: (line: string) => void;
}): Promise<PhaseOutcome> {
  const { name, command, args, deadlineS, took, said } = options;
  const figures: Figure[] = [];
  await using running = startProcess({
    name,
    command,
    args,
    onLine: (line, stream) => {
      const group = stream === "stdout" ? figuresIn(line) : undefined;
      if (!group) return said?.(line);
      figures.push(...group);
      took?.(group);
    },
  });
  const timer = new AbortController();
  const late = delay(deadlineS * 1000, "late" as const, { signal: timer.signal }).catch(() => undefined);
  const outcome = await Promise.race([running.exited, late]);
  timer.abort();
  if (outcome === "late") {
    const lines = running.lastLines(15).map((line) => `\n  ${line}`);
    // Its watchdog ends what it has started.
    await running.stop({ graceMs: 0 });
    const message = `${name} was not over after ${deadlineS} s; it said last:${lines.join("") || " nothing"}`;
    return { figures, error: new RigError("DEADLINE_PASSED", message) };
  }
  return outcome?.code === 0 ? { figures } : { figures, error: running.endedError() };
}

function figuresIn(line: string): readonly Figure[] | undefined {
  if (!line.startsWith('{"figures":')) return undefined;
  return (JSON.parse(line) as { readonly figures: readonly Figure[] }).figures;
}
