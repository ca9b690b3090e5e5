/** A call in a source file. */
export interface SourceCall {
  readonly method: string;
  /** Source text of each argument, trimmed. */
  readonly args: readonly string[];
  /** "gateway/src/x.ts:12", for people. */
  readonly place: string;
  /** The file's text up to the call: where its names were declared. */
  readonly before: string;
}

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/**
 * Finds the calls of some methods in TypeScript source, without types: a static scan is enough where names are constant.
 * @param pattern ends behind the opening parenthesis; its first group is the method
 */
export function callsIn(source: string, file: string, pattern: RegExp): SourceCall[] {
  return [...source.matchAll(pattern)].map((match) => {
    const start = match.index + match[0].length;
    const line = source.slice(0, match.index).split("\n").length;
    return {
      method: match[1] ?? "",
      args: splitAt(source.slice(start, endOf(source, start)), ","),
      place: `${file}:${line}`,
      before: source.slice(0, match.index),
    };
  });
}

/** The parts of a text between separators that are in no bracket, string or comment; empty ones are left out. */
export function splitAt(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at = next(text, at)) {
    if (text[at] !== separator) continue;
    parts.push(text.slice(start, at));
    start = at + 1;
  }
  return [...parts, text.slice(start)].map(withoutComments).filter((part) => part !== "");
}

/** The names of an object literal's properties; spreads with their dots. @returns undefined for another expression */
export function propertyNames(expression: string): string[] | undefined {
  if (!expression.startsWith("{") || endOf(expression, 1) !== expression.length - 1) return undefined;
  return splitAt(expression.slice(1, -1), ",").map((property) =>
    property.startsWith("...") ? property : (/^["']?([\w$]+)/.exec(property)?.[1] ?? property),
  );
}

/** The value of a literal text. @returns undefined for another expression */
export function literalText(expression: string): string | undefined {
  return /^"(?:[^"\\]|\\.)*"$/.test(expression) ? (JSON.parse(expression) as string) : undefined;
}

/** Where the bracket closes that was opened just before `start`. */
function endOf(text: string, start: number): number {
  let at = start;
  while (at < text.length && !")]}".includes(text[at] ?? "")) at = next(text, at);
  return at;
}

/** The position behind what begins here: one character, or a whole string, comment or bracket. */
function next(text: string, at: number): number {
  const character = text[at] ?? "";
  if (closing[character] !== undefined) return endOf(text, at + 1) + 1;
  const rest = text.slice(at);
  const whole = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(
    rest,
  );
  return at + (whole?.[0].length ?? 1);
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\/[^\n]*$/gm, "").trim();
}
