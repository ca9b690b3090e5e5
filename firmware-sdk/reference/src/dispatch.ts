import { type CborValue, hasCommand, MessageError, type RequestMessage, Status } from "@motelet/profiles";
import type { AnswerOrLater, Command, CommandContext } from "./command.ts";
import { allCommands } from "./commands/all.gen.ts";
import type { Answer, OnceRecord } from "./exchange.ts";

const commandsByOp: ReadonlyMap<number, Command> = new Map(
  allCommands.map((command) => [command.row.op, command]),
);

/**
 * Answers a request (SPEC §5.5). Once-requests pass the record first, so that a repeated one has no second effect.
 * @param answerLater takes an answer that was not known at once, any time after this call
 * @returns undefined where an old once-request gets no answer, or one that is carried out still has none
 */
export function dispatch(
  request: RequestMessage,
  caps: number,
  once: OnceRecord,
  context: CommandContext,
  answerLater: (answer: Answer) => void,
): Answer | undefined {
  const command = commandsByOp.get(request.op);
  if (!command || !hasCommand(caps, command.row)) return { status: Status.UNIMPLEMENTED, result: [] };
  const { id } = request;
  const isOnce = command.row.effect === "once";
  if (isOnce) {
    const verdict = once.judge(id);
    if (verdict.kind === "old") return undefined;
    if (verdict.kind === "replay") return verdict.answer;
  }
  const outcome = carryOut(command, request.args, context);
  if (typeof outcome !== "function") {
    if (isOnce) once.record(id, outcome);
    return outcome;
  }
  const begun = once.begin(id);
  let answer: Answer | undefined;
  let returned = false;
  outcome((settled) => {
    // A new session, or the next once-request, has made it nobody's answer.
    if (!once.settle(begun, settled)) return;
    answer = settled;
    if (returned) answerLater(settled);
  });
  returned = true;
  return answer;
}

function carryOut(command: Command, args: readonly CborValue[], context: CommandContext): AnswerOrLater {
  try {
    return command.carryOut(args, context);
  } catch (error) {
    if (error instanceof MessageError) return { status: Status.INVALID_ARGUMENT, result: [] };
    throw error;
  }
}
