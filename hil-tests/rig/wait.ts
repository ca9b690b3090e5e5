import { DeadlineError, type UntilOptions, until } from "@motelet/testing";
import { RigError } from "./errors.ts";
import { deathError } from "./vital-processes.ts";

/** `intervalMs` is 50 by default. */
export interface WaitOptions extends Omit<UntilOptions, "deadlineMs"> {
  /** Milliseconds from now after which waiting fails. */
  readonly deadlineMs: number;
  /** What is waited for, as a noun phrase: "the Node lamp to be Ready". */
  readonly what: string;
}

/**
 * `until` for the rig, whose processes can die: then waiting is pointless.
 * @throws RigError DEADLINE_PASSED when it did not hold in time, PROCESS_ENDED when a vital process has died; the fatal error, or the signal's reason
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions) {
  const { what, fatal } = options;
  const death = () => {
    const error = deathError();
    return error && new RigError(error.code, `while waiting for ${what}: ${error.message}`);
  };
  try {
    return await until(what, condition, {
      intervalMs: 50,
      ...options,
      fatal: () => fatal?.() ?? death(),
    });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    throw new RigError("DEADLINE_PASSED", error.message, { cause: error.cause });
  }
}
