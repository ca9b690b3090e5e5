import type { ChainLink, Redirection, ScriptRefusal, ShellCommand, ShellList } from "./script.ts";
import { RefusedScript, readTokens, type Token } from "./script-lexer.ts";

/** Maximum nesting of groups. */
export const maxGroupDepth = 8;

/** Words that begin what is not done here, where a command is expected. */
const compounds: ReadonlySet<string> = new Set(["if", "for", "while", "until", "case", "select", "function"]);
/** Words that go on with such a thing: without its beginning they are faults. */
const continuations: ReadonlySet<string> = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}"]);

/**
 * Parses the supported part of the POSIX shell language: simple commands in lists of `;`, `&&`, `||` and newlines,
 * groups, `!`, quotes, and redirections to /dev/null or another descriptor. Nothing is expanded. Everything else is
 * refused by name, before any command of the script runs.
 */
export function parseScript(
  script: string,
): { readonly list: ShellList } | { readonly refusal: ScriptRefusal } {
  try {
    return { list: new Parser(readTokens(script)).script() };
  } catch (error) {
    if (error instanceof RefusedScript) return { refusal: error.refusal };
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  script(): ShellList {
    const list = this.#list();
    const left = this.#next;
    if (left) throw this.#unexpected(left);
    return list;
  }

  #list(): ShellList {
    const list: (readonly ChainLink[])[] = [];
    for (;;) {
      this.#skipNewlines();
      if (!this.#next || this.#closes(this.#next)) return list;
      list.push(this.#chain());
      const after = this.#next;
      if (after === undefined || this.#closes(after)) return list;
      if (!isOperator(after, ";") && !isOperator(after, "\n")) throw this.#unexpected(after);
      this.#at += 1;
    }
  }

  #chain(): readonly ChainLink[] {
    const links = [this.#link("always")];
    for (;;) {
      const operator = this.#next;
      if (!operator || !(isOperator(operator, "&&") || isOperator(operator, "||"))) return links;
      this.#at += 1;
      this.#skipNewlines();
      if (!this.#next)
        throw new RefusedScript(`syntax error: nothing after ${operator.text}`, operator.line, true);
      links.push(this.#link(operator.text === "&&" ? "success" : "failure"));
    }
  }

  #link(when: ChainLink["when"]): ChainLink {
    let isNegated = false;
    while (isReserved(this.#next, "!")) {
      isNegated = !isNegated;
      this.#at += 1;
    }
    return { when, isNegated, command: this.#command() };
  }

  #command(): ShellCommand {
    const token = this.#next;
    if (token && isOperator(token, "(")) return this.#group(token, ")");
    if (token && isReserved(token, "{")) return this.#group(token, "}");
    if (token?.kind === "word" && token.plain) {
      if (compounds.has(token.text)) throw new RefusedScript(`${token.text} is not supported`, token.line);
      if (token.text === "[[")
        throw new RefusedScript("[[ … ]] is not supported, test and [ are", token.line);
      if (continuations.has(token.text)) throw this.#unexpected(token);
    }
    return this.#simple();
  }

  #group(opening: Token, closing: ")" | "}"): ShellCommand {
    this.#depth += 1;
    if (this.#depth > maxGroupDepth)
      throw new RefusedScript(`groups are nested deeper than ${maxGroupDepth}`, opening.line);
    this.#at += 1;
    const list = this.#list();
    const end = this.#next;
    if (!end) throw new RefusedScript(`syntax error: ${closing} is missing`, opening.line, true);
    if (end.kind === "redirect" || end.text !== closing || list.length === 0) throw this.#unexpected(end);
    this.#at += 1;
    this.#depth -= 1;
    const redirections: Redirection[] = [];
    while (this.#next?.kind === "redirect") redirections.push(...this.#redirection());
    return { kind: "group", isSubshell: closing === ")", list, redirections };
  }

  #simple(): ShellCommand {
    const words: string[] = [];
    const redirections: Redirection[] = [];
    let isEmpty = true;
    for (;;) {
      const token = this.#next;
      if (token?.kind === "redirect") redirections.push(...this.#redirection());
      else if (token?.kind === "word") {
        // A device has no environment that they could go to.
        if (words.length > 0 || !/^[A-Za-z_][A-Za-z0-9_]*=/.test(token.text)) words.push(token.text);
        this.#at += 1;
      } else break;
      isEmpty = false;
    }
    if (isEmpty) throw this.#unexpected(this.#next);
    return { kind: "simple", words, redirections };
  }

  #redirection(): readonly Redirection[] {
    const token = this.#next;
    if (token?.kind !== "redirect") throw this.#unexpected(token);
    const { text, line } = token;
    this.#at += 1;
    if (text.startsWith("<<")) throw new RefusedScript(`here-documents (${text}) are not supported`, line);
    if (text.endsWith("("))
      throw new RefusedScript(`process substitution (${text}…)) is not supported`, line);
    const target = this.#next;
    if (target?.kind !== "word") throw this.#unexpected(target);
    this.#at += 1;
    const isBoth = text.startsWith("&>") || (text === ">&" && target.text === "/dev/null");
    const descriptor = token.descriptor ?? (text.startsWith("<") ? 0 : 1);
    const shown = `${token.descriptor ?? ""}${text}${target.text}`;
    const isDuplicate = text.endsWith("&");
    if (descriptor > 2) throw new RefusedScript(`descriptor ${descriptor} (${shown}) is not supported`, line);
    if (isDuplicate && descriptor !== 0 && (target.text === "1" || target.text === "2"))
      return [{ descriptor: descriptor as 1 | 2, to: target.text === "1" ? 1 : 2 }];
    if ((isDuplicate && !isBoth) || text === "<>" || target.text !== "/dev/null")
      throw new RefusedScript(`redirection (${shown}) is supported to /dev/null only`, line);
    if (isBoth)
      return [
        { descriptor: 1, to: "null" },
        { descriptor: 2, to: "null" },
      ];
    return [{ descriptor: descriptor as 0 | 1 | 2, to: "null" }];
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #skipNewlines(): void {
    while (isOperator(this.#next, "\n")) this.#at += 1;
  }

  #closes(token: Token): boolean {
    return this.#depth > 0 && (isOperator(token, ")") || isReserved(token, "}"));
  }

  #unexpected(token: Token | undefined): RefusedScript {
    if (!token) return new RefusedScript("syntax error: unexpected end", this.#tokens.at(-1)?.line ?? 1);
    if (isOperator(token, "|") || isOperator(token, "|&"))
      return new RefusedScript(`pipes (${token.text}) are not supported`, token.line);
    if (isOperator(token, "&"))
      return new RefusedScript("commands in the background (&) are not supported", token.line);
    return new RefusedScript(
      `syntax error: unexpected ${token.text === "\n" ? "newline" : token.text}`,
      token.line,
    );
  }
}

function isOperator(token: Token | undefined, text: string): boolean {
  return token?.kind === "operator" && token.text === text;
}

function isReserved(token: Token | undefined, text: string): boolean {
  return token?.kind === "word" && token.plain && token.text === text;
}
