import { type CborValue, type CommandRow, type commands, Status } from "@motelet/profiles";
import type { Consoles } from "./console/consoles.ts";
import type { Answer } from "./exchange.ts";
import type { ShellCommandRow } from "./shell/call.ts";
import type { ShellHost } from "./shell/job.ts";
import type { DeviceParts } from "./shell/process.ts";
import type { StreamTable } from "./streams.ts";

/** The result of info. */
export type InfoResult = ReturnType<typeof commands.info.decodeResult>;

/** The parts of the device that commands use. */
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
  /** Commands in addition to the default ones, or replacing them. */
  readonly shell: ReadonlyMap<string, ShellCommandRow> | undefined;
  /** An event from outside happened: streams will be pumped. */
  wake(): void;
  /** Reboots after the answer has been sent. */
  reboot(): void;
}

/**
 * The outcome of a command: a result, a status other than OK, or an outcome that is known later; then `settle` must be
 * called once, during the call or within the command's deadline.
 */
export type Outcome<Result> =
  | { readonly result: Result }
  | { readonly status: Status }
  | { readonly later: (settle: (outcome: { readonly status: Status }) => void) => void };

/** An answer, or a function to which the receiver of a later answer is passed. */
export type AnswerOrLater = Answer | ((settle: (answer: Answer) => void) => void);

/** A row of the command table with its implementation. */
export interface Command {
  readonly row: Pick<CommandRow<unknown, unknown>, "op" | "effect" | "capability">;
  /** @throws MessageError for arguments that it cannot read */
  carryOut(args: readonly CborValue[], context: CommandContext): AnswerOrLater;
}

/** Joins a row and its implementation; the row decodes arguments and encodes results. */
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
