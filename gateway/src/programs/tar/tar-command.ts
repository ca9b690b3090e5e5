/** A file or directory that is written to an archive: its name as the caller gave it, relative to a directory. */
export interface ArchiveMember {
  readonly directory: string;
  readonly name: string;
}

/** The commands that `kubectl cp` and similar clients run in a container: shell, tar and test. */
export type CopyCommand =
  | {
      readonly kind: "create";
      readonly members: readonly ArchiveMember[];
      readonly verbose: boolean;
      /** Given where the archive goes through `tail -c+N`: the bytes before the Nth, which the caller has. */
      readonly skipBytes?: number;
    }
  | {
      readonly kind: "extract";
      readonly directory: string;
      readonly verbose: boolean;
      /** Modes are taken as the archive has them, else without what umask 022 takes. */
      readonly keepModes: boolean;
    }
  | { readonly kind: "test"; readonly flag: "d" | "e" | "f"; readonly path: string }
  /** A use of tar that is not done here. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Recognises a command that copies files (kubectl 1.30 to 1.37, pkg/cmd/cp/cp.go; client-node's cp).
 * @returns undefined if it is another command, which the device's own shell gets
 */
export function parseCopyCommand(argv: readonly string[]): CopyCommand | undefined {
  const [program, ...rest] = argv;
  if (program === "tar") return parseTar(rest);
  if (program === "test") return parseTest(rest);
  if (program === "sh" && rest.length === 2 && rest[0] === "-c") return parseScript(rest[1] ?? "");
  return undefined;
}

function parseTest([option, path, ...more]: readonly string[]): CopyCommand | undefined {
  const flag = /^-([def])$/.exec(option ?? "")?.[1];
  if (flag === undefined || path === undefined || more.length > 0) return undefined;
  return { kind: "test", flag: flag as "d" | "e" | "f", path };
}

/** kubectl since 1.36 quotes the path; before, the shell would have split it, so that only plain words are taken. */
const resumeScript =
  /^tar cf - (?:'((?:[^']|'\\'')*)'|([^\s'"\\$`|&;<>()*?[\]{}~!#]+)) \| tail -c\+(\d{1,15})$/;

function parseScript(script: string): CopyCommand | undefined {
  const [, quoted, plain, first] = resumeScript.exec(script) ?? [];
  const name = quoted?.replaceAll("'\\''", "'") ?? plain;
  if (name === undefined) return undefined;
  // tail counts from 1, and takes 0 for 1.
  const skipBytes = Math.max(0, Number(first) - 1);
  return { kind: "create", members: [{ directory: "/", name }], verbose: false, skipBytes };
}

/** Long options and the letters they stand for. */
const longOptions: Readonly<Record<string, string>> = {
  "--create": "c",
  "--extract": "x",
  "--get": "x",
  "--file": "f",
  "--directory": "C",
  "--touch": "m",
  "--verbose": "v",
  "--dereference": "h",
  "--same-permissions": "p",
  "--preserve-permissions": "p",
  "--no-same-permissions": "P",
  "--no-same-owner": "o",
};
/** `-P` means absolute names: what is refused as a letter stands for the long option above, which has none. */
const letters = "cxfCmvhpo";

class TarOptions {
  readonly members: ArchiveMember[] = [];
  mode: "c" | "x" | undefined;
  file = "-";
  directory = "/";
  verbose = false;
  keepModes = true;
  refusal: string | undefined;

  /** @param next returns the argument of an option that takes one */
  take(letter: string, next: () => string | undefined): void {
    if (letter === "f" || letter === "C") {
      const value = next();
      if (value === undefined) this.refuse(`option requires an argument -- '${letter}'`);
      else if (letter === "f") this.file = value;
      else this.directory = value.startsWith("/") ? value : `${this.directory}/${value}`;
    } else if (letter === "c" || letter === "x") {
      if (this.mode !== undefined && this.mode !== letter) this.refuse("one of 'c' and 'x' only");
      this.mode = letter;
    } else if (letter === "v") this.verbose = true;
    else if (letter === "P") this.keepModes = false;
  }

  refuse(reason: string): void {
    this.refusal ??= reason;
  }
}

function parseTar(args: readonly string[]): CopyCommand {
  const options = new TarOptions();
  const waiting = [...args];
  let onlyNames = false;
  for (let index = 0; waiting.length > 0; index++) {
    const word = waiting.shift() ?? "";
    if (onlyNames || word === "-" || !(word.startsWith("-") || index === 0))
      options.members.push({ directory: options.directory, name: word });
    else if (word === "--") onlyNames = true;
    else if (word.startsWith("--")) takeLong(options, word, waiting);
    else takeBundle(options, word, waiting);
  }
  return commandOf(options);
}

function takeLong(options: TarOptions, word: string, waiting: string[]): void {
  const [, name = "", value] = /^(--[^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  const letter = longOptions[name];
  if (letter === undefined) options.refuse(`unrecognized option '${name}'`);
  else options.take(letter, () => value ?? waiting.shift());
}

/** `-xmf -`, or the old form `xmf -` whose arguments follow in order of their letters. */
function takeBundle(options: TarOptions, word: string, waiting: string[]): void {
  const isDashed = word.startsWith("-");
  const bundle = isDashed ? word.slice(1) : word;
  for (let at = 0; at < bundle.length; at++) {
    const letter = bundle[at] ?? "";
    if (!letters.includes(letter)) {
      options.refuse(`invalid option -- '${letter}'`);
      return;
    }
    const takesValue = letter === "f" || letter === "C";
    const attached = isDashed && takesValue ? bundle.slice(at + 1) : "";
    options.take(letter, () => (attached === "" ? waiting.shift() : attached));
    if (attached !== "") return;
  }
}

function commandOf(options: TarOptions): CopyCommand {
  const { mode, members, file, directory, verbose, keepModes } = options;
  if (mode === undefined) options.refuse("you must specify one of 'c' and 'x'");
  if (file !== "-") options.refuse("the archive must be standard input or output (-f -)");
  if (mode === "c" && members.length === 0) options.refuse("cowardly refusing to create an empty archive");
  if (mode === "x" && members.length > 0) options.refuse("members cannot be picked: all are extracted");
  if (options.refusal !== undefined) return { kind: "refused", reason: options.refusal };
  if (mode === "c") return { kind: "create", members, verbose };
  return { kind: "extract", directory, verbose, keepModes };
}
