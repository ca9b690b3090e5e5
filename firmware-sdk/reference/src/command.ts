import { type CborValue, type CommandRow, type commands, Status } from "@motelet/profiles";
import type { Consoles } from "./console/consoles.ts";
import type { Answer } from "./exchange.ts";
import type { ShellCommandRow } from "./shell/call.ts";
import type { ShellHost } from "./shell/job.ts";
import type { DeviceParts } from "./shell/process.ts";
import type { StreamTable } from "./streams.ts";

/** What info tells about a device. */
export type InfoResult = ReturnType<typeof commands.info.decodeResult>;

/** What commands reach of the device. */
export interface CommandContext {
  readonly nowMs: number;
  readonly maxMessageBytes: number;
  readonly rtoMs: number;
  /** The device's clock now, Unix milliseconds; undefined if it was never set. */
  wallMs(): number | undefined;
  readonly info: InfoResult;
  readonly parts: DeviceParts;
  readonly streams: StreamTable;
  readonly consoles: Consoles;
  readonly host: ShellHost;
  /** Commands in addition to, or instead of, the usual ones. */
  readonly shell: ReadonlyMap<string, ShellCommandRow> | undefined;
  /** Something came that nobody asked for: has streams pumped. */
  wake(): void;
  /** Reboots once the answer is out. */
  reboot(): void;
}

/**
 * What a command comes to: a result, a status other than OK, or that this will be known later; then `settle` is to be called once,
 * at once or within the command's deadline.
 */
export type Outcome<Result> =
  | { readonly result: Result }
  | { readonly status: Status }
  | { readonly later: (settle: (outcome: { readonly status: Status }) => void) => void };

/** How an answer comes: now, or by the function that is called with what takes it. */
export type AnswerOrLater = Answer | ((settle: (answer: Answer) => void) => void);

/** A row of the command table with the code behind it. */
export interface Command {
  readonly row: Pick<CommandRow<unknown, unknown>, "op" | "effect" | "capability">;
  /** @throws MessageError for arguments that it cannot read */
  carryOut(args: readonly CborValue[], context: CommandContext): AnswerOrLater;
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
      if ("later" in outcome)
        return (settle) => outcome.later(({ status }) => settle({ status, result: [] }));
      if ("status" in outcome) return { status: outcome.status, result: [] };
      return { status: Status.OK, result: row.encodeResult(outcome.result) };
    },
  };
}
