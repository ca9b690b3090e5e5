import type { RigError } from "./errors.ts";

/** What is known of a process on which others depend. */
export interface VitalProcess {
  /** How it ended, and what it said last. */
  endedError(): RigError;
}

const dead = new Set<VitalProcess>();
const listeners = new Set<(error: RigError) => void>();

/** A vital process has failed, and nobody had told it to end: whoever waits for something hears of it at once. */
export function reportDeath(process: VitalProcess): void {
  dead.add(process);
  for (const listener of listeners) listener(process.endedError());
}

/** Somebody has looked after this process: it is no reason any more for others to give up. */
export function forgetDeath(process: VitalProcess): void {
  dead.delete(process);
}

/** The first vital process that has died, as an error with its last lines. */
export function deathError(): RigError | undefined {
  for (const process of dead) return process.endedError();
  return undefined;
}

/** Tells of each death to come. */
export function onDeath(listener: (error: RigError) => void): Disposable {
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}
