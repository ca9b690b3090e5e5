import { type CborValue, hasCommand, MessageError, type RequestMessage, Status } from "@motelet/profiles";
import type { AnswerOrLater, Command, CommandContext } from "./command.ts";
import { allCommands } from "./commands/all.gen.ts";
import type { Answer, AtMostOnceRecord } from "./exchange.ts";

const commandsByOp: ReadonlyMap<number, Command> = new Map(
  allCommands.map((command) => [command.row.op, command]),
);

/**
 * Answers a request (SPEC §5.5). At-most-once requests are checked against the record first, so that a repeated one has no
 * second effect.
 * @param answerLater receives an answer that is not known at once, at any time after this call
 * @returns undefined if an old at-most-once request gets no answer, or if a running one has none yet
 */
export function dispatch(
  request: RequestMessage,
  caps: number,
  atMostOnce: AtMostOnceRecord,
  context: CommandContext,
  answerLater: (answer: Answer) => void,
): Answer | undefined {
  const command = commandsByOp.get(request.op);
  if (!command || !hasCommand(caps, command.row)) return { status: Status.UNIMPLEMENTED, result: [] };
  const { id } = request;
  const isAtMostOnce = command.row.effect === "at-most-once";
  if (isAtMostOnce) {
    const verdict = atMostOnce.judge(id);
    if (verdict.kind === "old") return undefined;
    if (verdict.kind === "replay") return verdict.answer;
  }
  const outcome = carryOut(command, request.args, context);
  if (typeof outcome !== "function") {
    if (isAtMostOnce) atMostOnce.record(id, outcome);
    return outcome;
  }
  const begun = atMostOnce.begin(id);
  let answer: Answer | undefined;
  let returned = false;
  outcome((settled) => {
    // A new session, or the next at-most-once request, has made it nobody's answer.
    if (!atMostOnce.settle(begun, settled)) return;
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
