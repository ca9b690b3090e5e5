/** How a program that is called as a shell should run. */
export type ShellCall =
  /** To be typed into, or to read its commands from stdin. */
  | { readonly kind: "open" }
  | { readonly kind: "script"; readonly text: string; readonly stopsOnFailure: boolean }
  | { readonly kind: "refused"; readonly reason: string };

const shellName = /^(?:(?:\/usr(?:\/local)?)?\/bin\/)?(sh|bash|ash)$/;

/** Whether a program, by name or path, is one of the shells that the gateway emulates. */
export function isShell(program: string): boolean {
  return shellName.test(program);
}

/** Options that change nothing here: a device has no profile, no history, and no variables. */
const ignoredLong: ReadonlySet<string> = new Set([
  "--login",
  "--noprofile",
  "--norc",
  "--noediting",
  "--posix",
]);
const ignoredLetters = "ilsu";

/**
 * Recognises a call of a shell: k9s, Lens, Headlamp, editors and ansible start one.
 * @returns undefined if it is not a shell
 */
export function parseShellCall(argv: readonly string[]): ShellCall | undefined {
  const [program = "", ...rest] = argv;
  if (!isShell(program)) return undefined;
  const options = { isScript: false, stopsOnFailure: false };
  let at = 0;
  for (; at < rest.length; at++) {
    const word = rest[at] ?? "";
    if (word === "-" || word === "--") {
      at += 1;
      break;
    }
    if (!word.startsWith("-")) break;
    if (ignoredLong.has(word)) continue;
    const unknown = word.startsWith("--") ? word : takeLetters(word, options);
    if (unknown !== undefined) return { kind: "refused", reason: `option ${unknown} is not supported` };
  }
  const operand = rest[at];
  const { isScript, stopsOnFailure } = options;
  if (isScript)
    return operand === undefined
      ? { kind: "refused", reason: "option -c needs an argument" }
      : { kind: "script", text: operand, stopsOnFailure };
  if (operand === undefined) return { kind: "open" };
  const how = "give the commands with -c or on stdin";
  return { kind: "refused", reason: `files of commands (${operand}) are not supported: ${how}` };
}

/** @returns the option that is not known */
function takeLetters(
  word: string,
  options: { isScript: boolean; stopsOnFailure: boolean },
): string | undefined {
  for (const letter of word.slice(1)) {
    if (letter === "c") options.isScript = true;
    else if (letter === "e") options.stopsOnFailure = true;
    else if (!ignoredLetters.includes(letter)) return `-${letter}`;
  }
  return undefined;
}
