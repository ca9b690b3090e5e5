import { type Phrase, phrases } from "./phrases.ts";
import { proseOf } from "./readable-text.ts";

/** An avoided wording as it is in a file. */
export interface Hit {
  readonly path: string;
  readonly line: number;
  readonly found: string;
  readonly phrase: Phrase;
}

/** Finds the avoided wordings of a file, in reading order. Lines may break anywhere between two words. */
export function findPhrases(path: string, text: string, table: readonly Phrase[] = phrases): Hit[] {
  const prose = proseOf(path, text);
  if (prose === undefined) return [];
  return paragraphsOf(prose)
    .flatMap(({ start, paragraph }) =>
      table.flatMap((phrase) =>
        [...paragraph.matchAll(withAnyBlanks(phrase.pattern))].map((match) => {
          const at = start + match.index + match[0].search(/\w/);
          const line = prose.slice(0, at).split("\n").length;
          return { path, line, found: match[0].trim().replaceAll(/\s+/g, " "), phrase };
        }),
      ),
    )
    .toSorted((a, b) => a.line - b.line);
}

/** A paragraph ends at an empty line, a heading, an item of a list and a row of a table. */
function paragraphsOf(prose: string): { start: number; paragraph: string }[] {
  let start = 0;
  return prose.split(/(?=\n[ \t]*\n|\n[ \t]*[-#|]|\n[ \t]*\d+\. )/).map((paragraph) => {
    start += paragraph.length;
    return { start: start - paragraph.length, paragraph };
  });
}

/** The pattern with each blank as any number of blanks and line breaks. */
function withAnyBlanks(pattern: RegExp): RegExp {
  return new RegExp(pattern.source.replaceAll(" ", "\\s+"), `${pattern.flags}g`);
}
