import { callsIn, literalText, propertyNames, type SourceCall, splitAt } from "./source-calls.ts";

/** A message that the gateway logs, with everything that is known of its fields from the source. */
export interface LogEvent {
  readonly message: string;
  readonly level: "info" | "warn" | "error";
  readonly fields: readonly string[];
  /** Where fields are spread from something that cannot be seen. */
  readonly openAt: readonly string[];
  readonly place: string;
}

/** @throws Error naming the place where a message is not constant */
export function logEventsIn(source: string, file: string): LogEvent[] {
  return callsIn(source, file, /\blog\s*\.(info|warn|error)\(/g).flatMap((call) => {
    const [fields, message] = call.args.length > 1 ? call.args : ["{}", call.args[0]];
    const known = fieldsOf(fields ?? "{}", call);
    return messagesOf(message ?? "", call.place).map((text) => ({
      message: text,
      level: call.method as LogEvent["level"],
      place: call.place,
      ...known,
    }));
  });
}

/** One message, or both of `condition ? "…" : "…"`. */
function messagesOf(expression: string, place: string): string[] {
  const single = literalText(expression);
  if (single !== undefined) return [single];
  const [, whenTrue, whenFalse] = splitAt(expression.replace("?", ":"), ":");
  return [whenTrue, whenFalse].map((text) => {
    const message = literalText(text ?? "");
    if (message === undefined) throw new Error(`${place}: expected a constant message, got ${expression}`);
    return message;
  });
}

/** Fields of an object literal, or of the constant of that name which was declared before. */
function fieldsOf(expression: string, call: SourceCall): { fields: string[]; openAt: string[] } {
  const names = propertyNames(expression) ?? propertyNames(declarationOf(expression, call.before));
  if (names === undefined) return { fields: [], openAt: [expression] };
  const fields = new Set<string>();
  const openAt: string[] = [];
  for (const name of names) {
    if (!name.startsWith("...")) fields.add(name);
    else {
      const inner = fieldsOf(name.slice("...".length), call);
      for (const field of inner.fields) fields.add(field);
      openAt.push(...inner.openAt);
    }
  }
  return { fields: [...fields], openAt };
}

function declarationOf(name: string, before: string): string {
  const at = /^\w+$/.test(name) ? before.lastIndexOf(`const ${name} = {`) : -1;
  if (at < 0) return "";
  const [object] = splitAt(before.slice(before.indexOf("{", at)), ";");
  return object ?? "";
}
