/**
 * A file's prose, with everything else blanked out: same length, same line breaks, so that positions stay those of the
 * file. Undefined for files that have no prose to check. Of code that is comments, and texts of more than one word outside
 * tests: messages of errors, help, descriptions.
 */
export function proseOf(path: string, text: string): string | undefined {
  if (path.endsWith(".md")) return withoutCode(text);
  if (/\.ya?ml$/.test(path)) return text.replaceAll(/`[^`\n]*`/g, blanks);
  if (!/\.(?:ts|[ch]|cpp)$/.test(path)) return undefined;
  return proseOfCode(text, !/\.test\.ts$|\/(?:test|fakes|suites|interop)\//.test(path));
}

/** Comments, and what may contain their marks without being one: texts and regular expressions. */
const pieces =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<![\w)])'(?:[^'\\\n]|\\.)*'|(?<=[(,=:[!&|?{};]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g;

function proseOfCode(text: string, withTexts: boolean): string {
  let result = "";
  let end = 0;
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    const isComment = /^\/[*/]/.test(piece);
    if (!isComment && !(withTexts && /^["'`]/.test(piece) && /[a-z,] [a-z]/.test(piece))) continue;
    result += blanks(text.slice(end, index)) + (isComment ? withoutMarks(piece) : withoutQuotes(piece));
    end = index + piece.length;
  }
  return result + blanks(text.slice(end));
}

/** A text without its quotes, what is put into it, and code in backticks. */
function withoutQuotes(literal: string): string {
  return ` ${literal.slice(1, -1)} `.replaceAll(/\$\{[^}]*\}|\\?`[^`\n]*\\?`/g, blanks);
}

function withoutMarks(comment: string): string {
  return comment.replaceAll(/`[^`\n]*`/g, blanks).replaceAll(/^\s*(?:\/\*+|\/\/+|\*+\/?)|\*+\/$/gm, blanks);
}

/** Markdown without fenced blocks, code spans, targets of links and HTML comments. */
function withoutCode(text: string): string {
  return text
    .replaceAll(/^```[\s\S]*?^```/gm, blanks)
    .replaceAll(/<!--[\s\S]*?-->/g, blanks)
    .replaceAll(/(`+)[^`][\s\S]*?\1(?!`)/g, blanks)
    .replaceAll(/\]\([^)\s]*\)/g, blanks);
}

function blanks(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
