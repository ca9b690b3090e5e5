import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RigError } from "./errors.ts";

/** One fenced block of a page: what a reader copies. */
interface PageBlock {
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a page of docs/, in order. */
function pageBlocks(page: string): readonly PageBlock[] {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), "utf8");
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", block = ""]) => ({
    language,
    text: block,
  }));
}

/**
 * The text of the only block with this pattern in it.
 * @throws RigError NO_SUCH_BLOCK if there is none, or more than one
 */
export function pageBlock(page: string, pattern: RegExp): string {
  const [found, ...more] = pageBlocks(page).filter(({ text }) => pattern.test(text));
  if (!found || more.length > 0)
    throw new RigError(
      "NO_SUCH_BLOCK",
      `docs/${page}: expected one block that matches ${pattern}, found ${found ? more.length + 1 : 0}`,
    );
  return found.text;
}
