import { builtIn, wrongUsage } from "./call.ts";
import type { ShellProcess } from "./process.ts";

const logUsage = "log [-p|TEXT…]";

export const log = builtIn({
  usage: logUsage,
  what: "shows the log, or records a line in it",
  options: "p",
  max: Number.POSITIVE_INFINITY,
  run(process, { given, operands }) {
    if (given.has("p"))
      return operands.length > 0 ? wrongUsage(process, "log", logUsage) : show(process, "previous");
    if (operands.length === 0) return show(process, "this");
    process.log(operands.join(" "));
    process.exit(0);
    return undefined;
  },
});

/** The ring's lines as they are at this moment; they are few and short, since the ring is small. */
function show(process: ShellProcess, boot: "this" | "previous"): undefined {
  for (const { body, boot: of } of process.parts.ring?.entries() ?? [])
    if (body.type === "text" && of === boot) process.print(`${body.text}\n`);
  process.exit(0);
  return undefined;
}
