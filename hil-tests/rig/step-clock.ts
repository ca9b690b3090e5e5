/**
 * Loaded before a program (`node --import`): a line `step <milliseconds>` on stdin moves what the program takes for the
 * time of day, as an administrator or NTP does. Timers and performance.now() go on undisturbed.
 */
import process from "node:process";
import { createInterface } from "node:readline";

const SystemDate = Date;
let offsetMs = 0;

class SteppedDate extends SystemDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(SystemDate.now() + offsetMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return SystemDate.now() + offsetMs;
  }
}

globalThis.Date = SteppedDate as DateConstructor;

createInterface({ input: process.stdin }).on("line", (line) => {
  const [, stepMs] = /^step (-?\d+)$/.exec(line) ?? [];
  if (stepMs === undefined) return;
  offsetMs += Number(stepMs);
  process.stdout.write(`clock stepped by ${stepMs} ms\n`);
});
process.stdin.unref?.();
