import assert from "node:assert/strict";
import { test } from "node:test";
import { maxGroupDepth, parseScript } from "./parse-script.ts";
import type { Redirection, ShellCommand, ShellList } from "./script.ts";

/** A script as it was understood: words in brackets, and what joins them. */
function shown(script: string): string {
  const parsed = parseScript(script);
  if ("list" in parsed) return showList(parsed.list);
  const { line, reason, isIncomplete } = parsed.refusal;
  return `${line}${isIncomplete ? "…" : ""}: ${reason}`;
}

const joins = { always: "", success: " && ", failure: " || " } as const;
const showList = (list: ShellList): string =>
  list
    .map((chain) =>
      chain
        .map(
          ({ when, isNegated, command }) => `${joins[when]}${isNegated ? "! " : ""}${showCommand(command)}`,
        )
        .join(""),
    )
    .join(" ; ");
const showCommand = (command: ShellCommand): string =>
  command.kind === "simple"
    ? command.words.map((word) => `[${word}]`).join("") + command.redirections.map(showRedirection).join("")
    : `${command.isSubshell ? "(" : "{"}${showList(command.list)}${command.isSubshell ? ")" : "}"}${command.redirections.map(showRedirection).join("")}`;
const showRedirection = ({ descriptor, to }: Redirection) => ` ${descriptor}>${to}`;

const rows: readonly (readonly [string, string])[] = [
  ["", ""],
  ["  \n\t\r\n # nothing\n", ""],
  ["echo x", "[echo][x]"],
  ["echo a; echo b;", "[echo][a] ; [echo][b]"],
  ["echo a\necho b # and so on\n", "[echo][a] ; [echo][b]"],
  ["a && b || c && d", "[a] && [b] || [c] && [d]"],
  ["a &&\n\n b ||\nc", "[a] && [b] || [c]"],
  ["a\\\nb c\\ d", "[ab][c d]"],
  ["echo 'it'\\''s' \"a \\\"b\\\" \\$c \\x\"", '[echo][it\'s][a "b" $c \\x]'],
  ['echo "" \'\' a""b', "[echo][][][ab]"],
  ["echo 'a\nb' \"c\\\nd\"", "[echo][a\nb][cd]"],
  ["echo a#b '#'", "[echo][a#b][#]"],
  ["echo $ a$ \"$\" '$HOME' \\$HOME", "[echo][$][a$][$][$HOME][$HOME]"],
  ["echo '*' \\? \"~\" a~b {a,b} a=b", "[echo][*][?][~][a~b][{a,b}][a=b]"],
  ["[ -x /bin/bash ] && ! test -d /tmp", "[[][-x][/bin/bash][]] && ! [test][-d][/tmp]"],
  ["! ! a", "[a]"],
  ["TERM=xterm A='b c' sh -i; B=1", "[sh][-i] ; "],
  ["a >/dev/null 2>&1", "[a] 1>null 2>1"],
  ["a 2>&1 > /dev/null", "[a] 2>1 1>null"],
  ["a>/dev/null", "[a] 1>null"],
  ["a2>/dev/null", "[a2] 1>null"],
  ["a 2 >/dev/null", "[a][2] 1>null"],
  ["</dev/null a >>/dev/null 2>|/dev/null", "[a] 0>null 1>null 2>null"],
  ["a &>/dev/null", "[a] 1>null 2>null"],
  ["a >&/dev/null", "[a] 1>null 2>null"],
  ["a >&2", "[a] 1>2"],
  ["a 1>&2 2>/dev/null", "[a] 1>2 2>null"],
  ["(a; b) && { c; d; } 2>/dev/null", "([a] ; [b]) && {[c] ; [d]} 2>null"],
  ["echo if then } {", "[echo][if][then][}][{]"],
  ["'if' x", "[if][x]"],
  // What tools begin with.
  [
    "command -v bash >/dev/null && exec bash || exec sh",
    "[command][-v][bash] 1>null && [exec][bash] || [exec][sh]",
  ],
  ["clear; (bash || ash || sh)", "[clear] ; ([bash] || [ash] || [sh])"],
  [
    'TERM=xterm-256color; export TERM; [ -x /bin/bash ] && ([ -x /usr/bin/script ] && /usr/bin/script -q -c "/bin/bash" /dev/null || exec /bin/bash) || exec /bin/sh',
    " ; [export][TERM] ; [[][-x][/bin/bash][]] && ([[][-x][/usr/bin/script][]] && [/usr/bin/script][-q][-c][/bin/bash][/dev/null] || [exec][/bin/bash]) || [exec][/bin/sh]",
  ],
  ["/bin/sh -c 'echo hi && sleep 0'", "[/bin/sh][-c][echo hi && sleep 0]"],
];

test("lists, quotes, groups and redirections are read as a shell reads them", () => {
  for (const [script, expected] of rows) assert.equal(shown(script), expected, script);
});

const refusals: readonly (readonly [string, string])[] = [
  ["a | b", "1: pipes (|) are not supported"],
  ["a\nb |& c", "2: pipes (|&) are not supported"],
  ["a & b", "1: commands in the background (&) are not supported"],
  ["a > file", "1: redirection (>file) is supported to /dev/null only"],
  ["a 2>> log", "1: redirection (2>>log) is supported to /dev/null only"],
  ["a < file", "1: redirection (<file) is supported to /dev/null only"],
  ["a <> /dev/null", "1: redirection (<>/dev/null) is supported to /dev/null only"],
  ["a 2>&-", "1: redirection (2>&-) is supported to /dev/null only"],
  ["a <&1", "1: redirection (<&1) is supported to /dev/null only"],
  ["a 3>/dev/null", "1: descriptor 3 (3>/dev/null) is not supported"],
  ["cat <<EOF", "1: here-documents (<<) are not supported"],
  ["cat <<< x", "1: here-documents (<<<) are not supported"],
  ["cat <(ls)", "1: process substitution (<(…)) is not supported"],
  ["echo $HOME", "1: variables ($HOME) are not supported"],
  [`\necho "\${HOME}"`, `2: variables (\${HOME}) are not supported`],
  ["echo $? ", "1: parameters ($?) are not supported"],
  ["echo $1", "1: parameters ($1) are not supported"],
  ["echo $(ls)", "1: command substitution ($(…)) is not supported"],
  ['echo "`ls`"', "1: command substitution (`…`) is not supported"],
  ["echo $((1+1))", "1: arithmetic ($((…))) is not supported"],
  ["echo $'a'", "1: quotes after $ ($') are not supported"],
  ["ls *.txt", "1: patterns (*) are not supported"],
  ["ls a?", "1: patterns (?) are not supported"],
  ["ls [ab]c", "1: patterns ([ab]c) are not supported"],
  ["ls ~/x", "1: ~ (a home) is not supported"],
  ["if a; then b; fi", "1: if is not supported"],
  ["a; for x in y; do z; done", "1: for is not supported"],
  ["while true; do a; done", "1: while is not supported"],
  ["case x in esac", "1: case is not supported"],
  ["f() { a; }", "1: functions (f()) are not supported"],
  ["[[ -x a ]]", "1: [[ … ]] is not supported, test and [ are"],
  ["a ;; b", "1: syntax error: unexpected ;;"],
  ["; a", "1: syntax error: unexpected ;"],
  ["&& a", "1: syntax error: unexpected &&"],
  ["a; fi", "1: syntax error: unexpected fi"],
  ["a )", "1: syntax error: unexpected )"],
  ["( )", "1: syntax error: unexpected )"],
  ["(a; }", "1: syntax error: unexpected }"],
  ["a >", "1: syntax error: unexpected end"],
  ["a > \n", "1: syntax error: unexpected newline"],
  ["!", "1: syntax error: unexpected end"],
  // More lines would make these whole.
  ["echo 'a", "1…: syntax error: unterminated quoted string"],
  ['a\necho "b\n', "2…: syntax error: unterminated quoted string"],
  ["a &&", "1…: syntax error: nothing after &&"],
  ["a ||\n\n", "1…: syntax error: nothing after ||"],
  ["(a; b", "1…: syntax error: ) is missing"],
  ["{ a;\n", "1…: syntax error: } is missing"],
  ["a \\", "1…: syntax error: nothing after \\"],
];

test("what is not done is refused by name and line, and nothing of the script is left", () => {
  for (const [script, expected] of refusals) assert.equal(shown(script), expected, script);
});

test(`groups go ${maxGroupDepth} deep, and no deeper`, () => {
  const nested = (depth: number) => `${"(".repeat(depth)}a${")".repeat(depth)}`;
  assert.match(shown(nested(maxGroupDepth)), /^\(+\[a\]\)+$/);
  assert.equal(shown(nested(maxGroupDepth + 1)), `1: groups are nested deeper than ${maxGroupDepth}`);
});

test("whatever bytes come, there is an answer", () => {
  const pieces = [
    "a",
    "'",
    '"',
    "\\",
    "\n",
    ";",
    "&",
    "|",
    "(",
    ")",
    "{",
    "}",
    "$",
    "`",
    "<",
    ">",
    "2",
    "!",
    "[",
    "]",
    "#",
    " ",
    "=",
    "é",
  ];
  let state = 99;
  for (let round = 0; round < 20_000; round++) {
    let script = "";
    for (let count = 0; count < 12; count++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      script += pieces[(state >>> 8) % pieces.length];
    }
    assert.equal(typeof shown(script), "string");
  }
});
