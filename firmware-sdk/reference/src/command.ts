import { type CborValue, type CommandRow, type commands, Status } from "@motelet/profiles";
import type { Answer } from "./exchange.ts";
import type { ExecutionTable } from "./execution.ts";
import type { LogRing } from "./log-ring.ts";

/** What info tells about a device. */
export type InfoResult = ReturnType<typeof commands.info.decodeResult>;

/** What commands reach of the device. */
export interface CommandContext {
  readonly nowMs: number;
  readonly maxMessageBytes: number;
  readonly rtoMs: number;
  /** The device's clock, Unix milliseconds; undefined where it was never set. */
  readonly wallMs: number | undefined;
  readonly info: InfoResult;
  readonly ring: LogRing | undefined;
  readonly executions: ExecutionTable;
  /** Reboots once the answer is out. */
  reboot(): void;
}

/** What a command comes to: a result, or a status other than OK. */
export type Outcome<Result> = { readonly result: Result } | { readonly status: Status };

/** A row of the command table with the code behind it. */
export interface Command {
  readonly row: Pick<CommandRow<unknown, unknown>, "op" | "effect" | "capability">;
  /** @throws MessageError for arguments that it cannot read */
  carryOut(args: readonly CborValue[], context: CommandContext): Answer;
}

/** Joins a row and its code; arguments and results are decoded and encoded by the row. */
export function implement<Args, Result>(
  row: CommandRow<Args, Result>,
  run: (args: Args, context: CommandContext) => Outcome<Result>,
): Command {
  return {
    row,
    carryOut(values, context) {
      const outcome = run(row.decodeRequest(values), context);
      if ("status" in outcome) return { status: outcome.status, result: [] };
      return { status: Status.OK, result: row.encodeResult(outcome.result) };
    },
  };
}
