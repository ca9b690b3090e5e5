/**
 * A file's prose, with everything else blanked out: same length, same line breaks, so that positions stay those of the
 * file. Undefined for files that have no prose to check.
 */
export function proseOf(path: string, text: string): string | undefined {
  if (path.endsWith(".md")) return withoutCode(text);
  if (/\.ya?ml$/.test(path)) return text.replaceAll(/`[^`\n]*`/g, blanks);
  return /\.(?:ts|[ch]|cpp)$/.test(path) ? commentsOf(text) : undefined;
}

/** Comments, and what may contain their marks without being one: texts and regular expressions. */
const pieces =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<![\w)])'(?:[^'\\\n]|\\.)*'|(?<=[(,=:[!&|?{};]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g;

function commentsOf(text: string): string {
  let result = "";
  let end = 0;
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    if (!/^\/[*/]/.test(piece)) continue;
    result += blanks(text.slice(end, index)) + withoutMarks(piece);
    end = index + piece.length;
  }
  return result + blanks(text.slice(end));
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
