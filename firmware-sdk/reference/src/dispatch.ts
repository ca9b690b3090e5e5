import { type CborValue, hasCommand, MessageError, type RequestMessage, Status } from "@motelet/profiles";
import type { Command, CommandContext } from "./command.ts";
import { exec } from "./commands/exec.ts";
import { execControl } from "./commands/exec-control.ts";
import { info } from "./commands/info.ts";
import { logRead } from "./commands/log-read.ts";
import { ping } from "./commands/ping.ts";
import { reboot } from "./commands/reboot.ts";
import { time } from "./commands/time.ts";
import type { Answer, OnceRecord } from "./exchange.ts";

const commandsByOp: ReadonlyMap<number, Command> = new Map(
  [ping, reboot, info, time, exec, execControl, logRead].map((command) => [command.row.op, command]),
);

/**
 * Answers a request (SPEC §5.5). Once-requests pass the record first, so that a repeated one has no second effect.
 * @returns undefined where an old once-request gets no answer
 */
export function dispatch(
  request: RequestMessage,
  caps: number,
  once: OnceRecord,
  context: CommandContext,
): Answer | undefined {
  const command = commandsByOp.get(request.op);
  if (!command || !hasCommand(caps, command.row)) return { status: Status.UNIMPLEMENTED, result: [] };
  if (command.row.effect !== "once") return carryOut(command, request.args, context);
  const verdict = once.judge(request.id);
  if (verdict.kind === "old") return undefined;
  if (verdict.kind === "replay") return verdict.answer;
  const answer = carryOut(command, request.args, context);
  once.record(request.id, answer);
  return answer;
}

function carryOut(command: Command, args: readonly CborValue[], context: CommandContext): Answer {
  try {
    return command.carryOut(args, context);
  } catch (error) {
    if (error instanceof MessageError) return { status: Status.INVALID_ARGUMENT, result: [] };
    throw error;
  }
}
