import { Status } from "@motelet/profiles";
import type { FileStore } from "../board/file-store.ts";
import type { DirectoryEntry, StoredFile } from "../board/file-tree.ts";
import { builtIn, ExitCode, printAll, wrongUsage } from "./call.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

export const ls = builtIn({
  usage: "ls [-1Aal] [PATH]",
  what: "lists a directory",
  // -1, -A and -a change nothing: there is one name a line, and none is hidden.
  options: "1Aal",
  max: 1,
  run(process, { given, operands: [path = "/"] }) {
    const entries = entriesOf(process.parts.files, path);
    if (!entries) return fail(process, "ls", path, "not found");
    return printAll(process, lines(entries, given.has("l")));
  },
});

function entriesOf(files: FileStore | undefined, path: string): readonly DirectoryEntry[] | undefined {
  const place = absolute(path);
  const file = files?.file(place);
  if (!file) return files?.list(place);
  const name = place.slice(place.lastIndexOf("/") + 1);
  return [{ name, type: "file", size: file.bytes.length, mode: file.mode }];
}

function* lines(entries: readonly DirectoryEntry[], long: boolean): Generator<string> {
  for (const { name, type, size, mode } of entries) {
    const shown = type === "directory" ? `${name}/` : name;
    yield long ? `${formatMode(mode)}\t${size}\t${shown}\n` : `${shown}\n`;
  }
}

/** `rw-r--r--` */
function formatMode(mode: number): string {
  return [..."rwxrwxrwx"].map((letter, index) => (mode & (0o400 >> index) ? letter : "-")).join("");
}

export const cat = builtIn({
  usage: "cat [-u] [PATH…]",
  what: "copies files, or its input, to its output",
  options: "u",
  max: Number.POSITIVE_INFINITY,
  run(process, { operands: paths }) {
    const readsInput = paths.length === 0 || (paths.length === 1 && paths[0] === "-");
    if (!readsInput) return new FileCopy(process, paths);
    return {
      get room() {
        return process.room;
      },
      take: (bytes) => void process.write(bytes),
      end: () => process.exit(0),
    };
  },
});

/** Prints files one after the other as there is room. */
class FileCopy implements RunningCommand {
  readonly #process: ShellProcess;
  readonly #paths: string[];
  #file: StoredFile | undefined;
  #at = 0;

  constructor(process: ShellProcess, paths: readonly string[]) {
    this.#process = process;
    this.#paths = [...paths];
  }

  step(): void {
    const process = this.#process;
    while (process.room > 0) {
      if (this.#file && this.#at < this.#file.bytes.length) {
        this.#at += process.write(this.#file.bytes.subarray(this.#at));
        continue;
      }
      const path = this.#paths.shift();
      if (path === undefined) {
        process.exit(ExitCode.ok);
        return;
      }
      this.#at = 0;
      this.#file = process.parts.files?.file(absolute(path));
      if (this.#file) continue;
      fail(process, "cat", path, whyNot(process.parts.files, path));
      return;
    }
  }
}

const rmUsage = "rm [-Rfr] PATH…";

export const rm = builtIn({
  usage: rmUsage,
  what: "removes files",
  options: "Rfr",
  max: Number.POSITIVE_INFINITY,
  run(process, { given, operands: paths }) {
    const { files } = process.parts;
    const isForced = given.has("f");
    const isRecursive = given.has("R") || given.has("r");
    if (paths.length === 0 && !isForced) return wrongUsage(process, "rm", rmUsage);
    for (const path of paths) {
      if (isRecursive && removeTree(files, absolute(path))) continue;
      if (files?.remove(absolute(path)) === Status.OK) continue;
      const why = whyNot(files, path);
      if (why === "not found" && isForced) continue;
      return fail(process, "rm", path, why);
    }
    process.exit(0);
    return undefined;
  },
});

/** Removes all that is below a directory, which is gone with it; false: it is none, or the root, which stays. */
function removeTree(files: FileStore | undefined, directory: string): boolean {
  const entries = directory === "/" ? undefined : files?.list(directory);
  for (const { name, type } of entries ?? []) {
    if (type === "directory") removeTree(files, `${directory}/${name}`);
    else files?.remove(`${directory}/${name}`);
  }
  return entries !== undefined;
}

export const df = builtIn({
  usage: "df",
  what: "room for files, in bytes",
  run(process) {
    const { files } = process.parts;
    const totalBytes = files?.limits.totalBytes ?? 0;
    const freeBytes = files?.freeBytes ?? 0;
    const used = totalBytes - freeBytes;
    process.print(`total ${totalBytes}\nused ${used}\nfree ${freeBytes}\nfiles ${files?.count ?? 0}\n`);
    process.exit(0);
    return undefined;
  },
});

/** There is no working directory: what does not begin with a slash is meant from the root; one at the end means nothing. */
function absolute(path: string): string {
  const rooted = path.startsWith("/") ? path : `/${path}`;
  return rooted.length > 1 && rooted.endsWith("/") ? rooted.slice(0, -1) : rooted;
}

function whyNot(files: FileStore | undefined, path: string): string {
  return files?.list(absolute(path)) ? "is a directory" : "not found";
}

function fail(process: ShellProcess, name: string, path: string, why: string): undefined {
  process.printError(`${name}: ${path}: ${why}\n`);
  process.exit(ExitCode.failed);
  return undefined;
}
