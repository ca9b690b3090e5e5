/** One wording that the project's texts avoid, because a reader needs a second reading or a private dictionary. */
export interface Phrase {
  /** A blank matches any number of blanks and line breaks. */
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly write: string;
  /** A sentence that the pattern refuses, and the same sentence in plain English. Both are tested. */
  readonly example: readonly [avoid: string, write: string];
}

/** A conditional "where": the reader expects a place. After words for a place, "where" is right. */
const notPlace =
  "(?<!\\b(?:place|places|from|of|know|knows|see|shows|find|finds|is|are|not|point|position|offset|folder|file|line|page|section|just|exactly|stop|stops|stays?|lies?|cut|on|to|and|or|spot) )";
const fact =
  "(?:is|are|was|were|has|have|had|lacks?|does|do|gives?|names?|knows?|says?|takes?|allows?|supports?|can|cannot)\\b";
const things =
  "device|firmware|cluster|gateway|profile|chip|caller|client|board|port|session|node|pod|reader|kernel";

/** CONTRIBUTING.md names this table: a wording that came back twice in reviews becomes a row. */
export const phrases: readonly Phrase[] = [
  // Private metaphors.
  {
    pattern: /\bhouses?\b/i,
    write: "architecture",
    example: ["The house is drawn in one page.", "One page describes the architecture."],
  },
  {
    pattern: /(?<!Math\.)\bfloors?\b(?!\()/i,
    write: "layer",
    example: ["No floor imports from above.", "No layer imports from a higher one."],
  },
  {
    pattern: /\brooms\b|\b(?:a|another|natural|no natural|which) room\b(?! (?:for|in|left|of|that|to)\b)/i,
    write: "module, folder",
    example: ["It needs another room.", "It needs another folder. The file needs its room in flash."],
  },
  {
    pattern: /\btreat(?:y|ies)\b/i,
    write: "protocol",
    example: ["The treaty has no clock.", "The protocol has no clock."],
  },
  {
    pattern: /\bkeystones?\b/i,
    write: "core",
    example: ["devices is the keystone.", "devices is the core."],
  },
  {
    pattern: /\bweather\b/i,
    write: "expected noise, expected faults",
    example: ["Line noise is weather.", "Line noise is expected."],
  },
  {
    pattern: /\bdoors?\b/i,
    write: "listener, entry point",
    example: ["The TLS door closes.", "The TLS listener closes."],
  },
  // Archaic words.
  {
    pattern: /\bfor ever\b/i,
    write: "indefinitely, permanently",
    example: ["It waits for ever.", "It waits indefinitely."],
  },
  { pattern: /\banew\b/i, write: "again", example: ["It is made anew.", "It is created again."] },
  {
    pattern: /\bstead\b/i,
    write: "instead of, for",
    example: ["It answers in the device's stead.", "It answers instead of the device."],
  },
  {
    pattern: /\bso (?:many|long)\b/i,
    write: "that many, as long as",
    example: ["So many are kept.", "That many are kept."],
  },
  {
    pattern: /\bbeside\b/i,
    write: "next to, in addition to",
    example: ["Beside this it has files.", "In addition to this it has files. Besides, it is small."],
  },
  {
    pattern: /\bin the manner of\b/i,
    write: "like, based on",
    example: ["In the manner of a list.", "Based on a list."],
  },
  {
    pattern: /\b(?:lets?|letting) go\b/i,
    write: "release",
    example: ["It lets go of the buffer.", "It releases the buffer."],
  },
  // A place for a condition.
  {
    pattern:
      /\bWhere (?:the|a|an|it|its|they|there|no|none|that|this|nothing|nobody|somebody|one|[A-Z][^\s.]*)\b(?![^.,]*\b(?:from|leads?|begins?|ends?|finds?|found|listens|lives?|reaches|kept)\b)[^.?!|]*,/,
    write: "If, When",
    example: ["Where the cluster has none, name a file.", "If the cluster has none, name a file."],
  },
  {
    pattern: new RegExp(
      `${notPlace}\\bwhere (?:(?:the|a|an|no|this) (?:[\\w-]+ )?(?:${things})s?|it|they|there|none|nothing|nobody|one) ${fact}`,
      "i",
    ),
    write: "if, when",
    example: ["files, where the device has them", "files, if the device has them. The folder where it is"],
  },
  // Speech for reports, states in vague verbs, relative clauses as subjects.
  {
    pattern: /\b(?:is|are|was|were|be|been|being) told\b(?! (?:apart|from|to)\b)/i,
    write: "is reported, is returned, gets the error",
    example: ["The caller is told.", "The error is returned. The two cannot be told apart."],
  },
  {
    pattern: /\bstands? (?:in|at|on|there|above|below|behind)\b/i,
    write: "is in, is at",
    example: ["What stands in the file", "The contents of the file. BREAK stands for a long zero."],
  },
  {
    pattern: /(?:^\s*|[.;:|] )Who [a-z][^.?|]*(?:[.|]|$)/,
    write: "Callers that …, Whoever …, a named subject",
    example: ["Who comes later does not pass.", "Preserve FIFO order. Who decides? The API server."],
  },
  {
    pattern: /\b(?:for|by|than|but) who (?:is|are|has|may|[a-z]+s)\b/i,
    write: "for clients that …, a named subject",
    example: ["a message for who asks", "a message for clients that ask"],
  },
  {
    pattern: /\bwhat is (?:not )?(?:ours|theirs)\b/i,
    write: "a named subject",
    example: ["It keeps what is not ours.", "It keeps Nodes that motelet does not own."],
  },
  {
    pattern: /\b(?:not believed|quarrels?|asks? nobody|or says? why not|each green)\b/i,
    write: "marked as …, conflicts, unauthenticated, returns an error, passes",
    example: ["A verb works or says why not.", "Commands work or return an error."],
  },
  {
    pattern: /\bpresets?\b/i,
    write: "default",
    example: ["No preset can guess it.", "No default can guess it."],
  },
];
