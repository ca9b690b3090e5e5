import { Status } from "@motelet/profiles";
import type { FileStore, StoredFile } from "../file-store.ts";
import type { DirectoryEntry } from "../file-tree.ts";
import { ExitCode, printAll, type ShellCommandRow, wrongUsage } from "./command.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

export const ls: ShellCommandRow = {
  usage: "ls [-l] [PATH]",
  what: "lists a directory",
  run(process, args) {
    const long = args[0] === "-l";
    const [path = "/", ...more] = long ? args.slice(1) : args;
    if (more.length > 0) return wrongUsage(process, "ls", ls.usage);
    const entries = entriesOf(process.parts.files, path);
    if (!entries) return fail(process, "ls", path, "not found");
    return printAll(process, lines(entries, long));
  },
};

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

export const cat: ShellCommandRow = {
  usage: "cat [PATH…]",
  what: "copies files, or its input, to its output",
  run(process, paths) {
    if (paths.length > 0) return new FileCopy(process, paths);
    return {
      get room() {
        return process.room;
      },
      take: (bytes) => void process.write(bytes),
      end: () => process.exit(0),
    };
  },
};

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

export const rm: ShellCommandRow = {
  usage: "rm PATH…",
  what: "removes files",
  run(process, paths) {
    const { files } = process.parts;
    if (paths.length === 0) return wrongUsage(process, "rm", rm.usage);
    for (const path of paths) {
      if (files?.remove(absolute(path)) === Status.OK) continue;
      return fail(process, "rm", path, whyNot(files, path));
    }
    process.exit(0);
    return undefined;
  },
};

export const df: ShellCommandRow = {
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
};

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
