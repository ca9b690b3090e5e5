import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isPath } from "@motelet/profiles";
import { UnavailableError } from "../errors.ts";
import type { FileKeeper } from "./file-store.ts";
import type { StoredFile } from "./file-tree.ts";

/**
 * A folder on disk in which a device's files survive the process: its paths, modes and times are those of the device.
 * Every file is first written elsewhere (`.new-<folder>`, next to the folder) and then moved into place, so that a
 * killed process leaves each file old or new. Links, special files, and names that are no valid path on a device are
 * ignored.
 */
export class FileFolder implements FileKeeper {
  readonly #folder: string;
  readonly #aside: string;

  /** @param folder is made if it is missing. @throws UnavailableError */
  constructor(folder: string) {
    this.#folder = folder;
    this.#aside = join(dirname(folder), `.new-${basename(folder)}`);
    try {
      mkdirSync(folder, { recursive: true });
      rmSync(this.#aside, { force: true });
    } catch (cause) {
      throw new UnavailableError("FILES_FOLDER", `cannot keep files in ${folder}`, { cause });
    }
  }

  /** @throws UnavailableError */
  load(): ReadonlyMap<string, StoredFile> {
    const files = new Map<string, StoredFile>();
    try {
      for (const name of readdirSync(this.#folder, { recursive: true, encoding: "utf8" })) {
        const path = `/${name}`;
        const host = join(this.#folder, name);
        if (isPath(path) && lstatSync(host).isFile()) files.set(path, readWhole(host));
      }
    } catch (cause) {
      throw new UnavailableError("FILES_FOLDER", `cannot read the files in ${this.#folder}`, { cause });
    }
    return files;
  }

  put(path: string, { bytes, mode, modifiedMs }: StoredFile): void {
    rmSync(this.#aside, { force: true });
    writeFileSync(this.#aside, bytes, { flush: true });
    const modifiedS = (modifiedMs ?? 0) / 1000;
    utimesSync(this.#aside, modifiedS, modifiedS);
    chmodSync(this.#aside, mode);
    const host = join(this.#folder, path);
    mkdirSync(dirname(host), { recursive: true });
    renameSync(this.#aside, host);
  }

  remove(path: string): void {
    rmSync(join(this.#folder, path));
    this.#prune(dirname(path));
  }

  rename(from: string, to: string): void {
    const host = join(this.#folder, to);
    mkdirSync(dirname(host), { recursive: true });
    renameSync(join(this.#folder, from), host);
    this.#prune(dirname(from));
  }

  /** Removes what became empty: a device has no empty directories. */
  #prune(directory: string): void {
    for (let path = directory; path !== "/"; path = dirname(path)) {
      const host = join(this.#folder, path);
      if (readdirSync(host).length > 0) return;
      rmdirSync(host);
    }
  }
}

/** Reads a file that its own mode may forbid to read. */
function readWhole(host: string): StoredFile {
  const { mode, mtimeMs } = statSync(host);
  const permissions = mode & 0o777;
  const readable = (permissions & 0o400) !== 0;
  if (!readable) chmodSync(host, permissions | 0o400);
  const bytes = readFileSync(host);
  if (!readable) chmodSync(host, permissions);
  return { bytes, mode: permissions, modifiedMs: mtimeMs === 0 ? undefined : Math.round(mtimeMs) };
}
