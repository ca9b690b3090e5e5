import type { ScriptRefusal } from "./script.ts";

/** A token of a script. `plain`: no part of the word was quoted, so that it may be a reserved word. */
export type Token =
  | { readonly kind: "word"; readonly text: string; readonly plain: boolean; readonly line: number }
  | { readonly kind: "operator"; readonly text: string; readonly line: number }
  /** `2>`: descriptor and operator. */
  | {
      readonly kind: "redirect";
      readonly descriptor: number | undefined;
      readonly text: string;
      readonly line: number;
    };

/** The reason why a script is refused; caught by the parser. */
export class RefusedScript extends Error {
  readonly refusal: ScriptRefusal;

  constructor(reason: string, line: number, isIncomplete = false) {
    super(reason);
    this.refusal = { reason, line, isIncomplete };
  }
}

/** What a shell does with a dollar sign, and is not done here. */
const expansions: readonly (readonly [RegExp, string])[] = [
  [/^\$\(\(/, "arithmetic ($((…))) is"],
  [/^\$\(/, "command substitution ($(…)) is"],
  [/^\$\{[^}]{0,32}\}?/, "variables (FOUND) are"],
  [/^\$[A-Za-z_][A-Za-z0-9_]*/, "variables (FOUND) are"],
  [/^\$[0-9?$!#@*-]/, "parameters (FOUND) are"],
];

/** Operators, longest first. */
const operators = ["&&", "||", ";;", "|&", "&>>", "&>", ";", "|", "&", "(", ")"] as const;
const redirects = ["<<<", "<<", "<>", "<&", "<(", "<", ">>", ">&", ">|", ">(", ">"] as const;

/**
 * Splits a script into words and operators. Removes quotes, and refuses words that a shell would expand.
 * @throws RefusedScript
 */
export function readTokens(script: string): readonly Token[] {
  return new Lexer(script).tokens();
}

class Lexer {
  readonly #script: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** The word that is being read. */
  #word: string | undefined;
  #isPlain = true;

  constructor(script: string) {
    this.#script = script;
  }

  tokens(): readonly Token[] {
    while (this.#at < this.#script.length) this.#step();
    this.#endWord();
    return this.#tokens;
  }

  #step(): void {
    const char = this.#script[this.#at] ?? "";
    if (char === "\n") {
      this.#endWord();
      this.#operator("\n", 1);
      this.#line += 1;
    } else if (char === " " || char === "\t" || char === "\r") {
      this.#endWord();
      this.#at += 1;
    } else if (char === "#" && this.#word === undefined) {
      const end = this.#script.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#script.length : end;
    } else if (char === "'") this.#singleQuoted();
    else if (char === '"') this.#doubleQuoted();
    else if (char === "\\") this.#escaped();
    else if (char === "$" || char === "`") this.#dollar();
    else if (char === "<" || char === ">" || this.#script.startsWith("&>", this.#at)) this.#redirect();
    else if (";&|()".includes(char)) this.#control();
    else this.#ordinary(char);
  }

  #ordinary(char: string): void {
    if (char === "*" || char === "?") throw this.#refused(`patterns (${char}) are not supported`);
    if (char === "~" && this.#word === undefined) throw this.#refused("~ (a home) is not supported");
    this.#add(char);
    this.#at += 1;
  }

  #singleQuoted(): void {
    const end = this.#script.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#incomplete("unterminated quoted string");
    this.#add(this.#script.slice(this.#at + 1, end), false);
    this.#line += newlines(this.#script.slice(this.#at, end));
    this.#at = end + 1;
  }

  #doubleQuoted(): void {
    const beginLine = this.#line;
    this.#at += 1;
    this.#add("", false);
    for (;;) {
      const char = this.#script[this.#at];
      if (char === undefined)
        throw new RefusedScript("syntax error: unterminated quoted string", beginLine, true);
      if (char === '"') break;
      if (char === "$" || char === "`") {
        this.#dollar(true);
        continue;
      }
      if (char === "\n") this.#line += 1;
      const next = this.#script[this.#at + 1] ?? "";
      const isEscape = char === "\\" && '"\\$`\n'.includes(next) && next !== "";
      if (isEscape && next === "\n") this.#line += 1;
      this.#add(isEscape ? next.replace("\n", "") : char, false);
      this.#at += isEscape ? 2 : 1;
    }
    this.#at += 1;
  }

  #escaped(): void {
    const next = this.#script[this.#at + 1];
    if (next === undefined) throw this.#incomplete("nothing after \\");
    if (next === "\n") this.#line += 1;
    else this.#add(next, false);
    this.#at += 2;
  }

  /** A dollar sign that expands nothing stands for itself. */
  #dollar(isQuoted = false): void {
    const rest = this.#script.slice(this.#at, this.#at + 64);
    if (rest.startsWith("`")) throw this.#refused("command substitution (`…`) is not supported");
    for (const [pattern, sentence] of expansions) {
      const [found] = pattern.exec(rest) ?? [];
      if (found !== undefined) throw this.#refused(`${sentence.replace("FOUND", () => found)} not supported`);
    }
    if (/^\$['"]/.test(rest) && !isQuoted)
      throw this.#refused(`quotes after $ (${rest.slice(0, 2)}) are not supported`);
    this.#add("$", !isQuoted);
    this.#at += 1;
  }

  #redirect(): void {
    const rest = this.#script.slice(this.#at, this.#at + 3);
    const both = /^&>>?/.exec(rest)?.[0];
    const text = both ?? redirects.find((known) => rest.startsWith(known)) ?? "";
    // Digits right before it are no word of their own.
    const isNumber = both === undefined && this.#isPlain && /^\d$/.test(this.#word ?? "");
    const descriptor = isNumber ? Number(this.#word) : undefined;
    if (isNumber) this.#word = undefined;
    this.#endWord();
    this.#tokens.push({ kind: "redirect", descriptor, text, line: this.#line });
    this.#at += text.length;
  }

  #control(): void {
    const text = operators.find((known) => this.#script.startsWith(known, this.#at)) ?? "";
    const isCall = text === "(" && this.#word !== undefined;
    if (isCall) throw this.#refused(`functions (${this.#word}()) are not supported`);
    this.#endWord();
    this.#operator(text, text.length);
  }

  #operator(text: string, length: number): void {
    this.#tokens.push({ kind: "operator", text, line: this.#line });
    this.#at += length;
  }

  #add(text: string, isPlain = true): void {
    this.#word = (this.#word ?? "") + text;
    if (!isPlain) this.#isPlain = false;
  }

  #endWord(): void {
    if (this.#word === undefined) return;
    const [text, plain] = [this.#word, this.#isPlain];
    this.#word = undefined;
    this.#isPlain = true;
    if (plain && /\[.*\]/.test(text) && text !== "[]")
      throw this.#refused(`patterns (${text}) are not supported`);
    this.#tokens.push({ kind: "word", text, plain, line: this.#line });
  }

  #refused(reason: string): RefusedScript {
    return new RefusedScript(reason, this.#line);
  }

  #incomplete(reason: string): RefusedScript {
    return new RefusedScript(`syntax error: ${reason}`, this.#line, true);
  }
}

const newlines = (text: string) => text.split("\n").length - 1;
