import { limits, Status } from "@motelet/profiles";
import { type DirectoryEntry, directoryMode, directoryOf, type StoredFile } from "./file-tree.ts";

/** The file or directory at a path. */
export interface PathStat {
  readonly type: "file" | "directory";
  readonly size: number;
  readonly mode: number;
  readonly modifiedMs: number | undefined;
}

/** Stores files beyond the process. Calls block and throw the errors of the file system. */
export interface FileKeeper {
  /** @returns all stored files */
  load(): ReadonlyMap<string, StoredFile>;
  /** Stores a file completely or not at all, and replaces one of the same name. */
  put(path: string, file: StoredFile): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
}

export interface FileStoreLimits {
  /** Bytes of all files together, including those being written. */
  readonly totalBytes: number;
  readonly files: number;
}

/**
 * The files of a device (SPEC §6.11): a flat table of paths in memory; directories exist only as prefixes. A file that
 * is being written needs its space while the file that it replaces still has its own, as on flash.
 */
export class FileStore {
  readonly limits: FileStoreLimits;
  readonly #keeper: FileKeeper | undefined;
  readonly #files: Map<string, StoredFile>;
  readonly #writes = new Set<FileWrite>();
  #usedBytes = 0;

  /** @param keeper absent: files exist as long as this object */
  constructor(storeLimits: FileStoreLimits, keeper?: FileKeeper) {
    this.limits = storeLimits;
    this.#keeper = keeper;
    this.#files = new Map(keeper?.load());
    for (const { bytes } of this.#files.values()) this.#usedBytes += bytes.length;
  }

  get count(): number {
    return this.#files.size;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    let reserved = this.#usedBytes;
    for (const write of this.#writes) reserved += write.reservedBytes;
    return Math.max(0, this.limits.totalBytes - reserved);
  }

  stat(path: string): PathStat | undefined {
    const file = this.#files.get(path);
    if (file) return { type: "file", size: file.bytes.length, mode: file.mode, modifiedMs: file.modifiedMs };
    if (!this.#isDirectory(path)) return undefined;
    return { type: "directory", size: 0, mode: directoryMode, modifiedMs: undefined };
  }

  /** The file, if the path is that of a file. */
  file(path: string): StoredFile | undefined {
    return this.#files.get(path);
  }

  /** Entries of a directory in bytewise order of their names; undefined: not a directory. */
  list(path: string): readonly DirectoryEntry[] | undefined {
    return this.#isDirectory(path) ? directoryOf(path, this.#files) : undefined;
  }

  /**
   * Begins to write a file; it does not exist before `commit`.
   * @param size null: not known yet
   * @returns the writer; FAILED_PRECONDITION: the path is a directory or below a file; RESOURCE_EXHAUSTED: no space
   */
  write(path: string, size: number | null, mode: number): FileWrite | Status {
    const refused = this.#placeable(path);
    if (refused !== Status.OK) return refused;
    if (!this.#files.has(path) && this.#newFiles() >= this.limits.files) return Status.RESOURCE_EXHAUSTED;
    if (size !== null && size > this.freeBytes) return Status.RESOURCE_EXHAUSTED;
    const write = new FileWrite(path, size, mode, {
      freeBytes: () => this.freeBytes,
      put: (file) => this.#put(write, file),
      discard: () => void this.#writes.delete(write),
    });
    this.#writes.add(write);
    return write;
  }

  /** @returns OK, NOT_FOUND, FAILED_PRECONDITION for a directory, INTERNAL if the keeper failed */
  remove(path: string): Status {
    const file = this.#files.get(path);
    if (!file) return this.#isDirectory(path) ? Status.FAILED_PRECONDITION : Status.NOT_FOUND;
    return this.#kept(
      (keeper) => keeper.remove(path),
      () => this.#drop(path, file),
    );
  }

  /**
   * Renames a file, and replaces an existing one.
   * @returns as `remove` does
   */
  rename(from: string, to: string): Status {
    const file = this.#files.get(from);
    if (!file) return this.#isDirectory(from) ? Status.FAILED_PRECONDITION : Status.NOT_FOUND;
    if (from === to) return Status.OK;
    const refused = this.#placeable(to);
    if (refused !== Status.OK) return refused;
    return this.#kept(
      (keeper) => keeper.rename(from, to),
      () => {
        const replaced = this.#files.get(to);
        if (replaced) this.#drop(to, replaced);
        this.#files.delete(from);
        this.#files.set(to, file);
      },
    );
  }

  #put(write: FileWrite, file: StoredFile): Status {
    const { path } = write;
    this.#writes.delete(write);
    const refused = this.#placeable(path);
    if (refused !== Status.OK) return refused;
    return this.#kept(
      (keeper) => keeper.put(path, file),
      () => {
        const replaced = this.#files.get(path);
        if (replaced) this.#drop(path, replaced);
        this.#files.set(path, file);
        this.#usedBytes += file.bytes.length;
      },
    );
  }

  #kept(keep: (keeper: FileKeeper) => void, apply: () => void): Status {
    try {
      if (this.#keeper) keep(this.#keeper);
    } catch {
      // The device has nobody to tell but its gateway, which is what the status is for.
      return Status.INTERNAL;
    }
    apply();
    return Status.OK;
  }

  #drop(path: string, file: StoredFile): void {
    this.#files.delete(path);
    this.#usedBytes -= file.bytes.length;
  }

  /** Files there are and will be. */
  #newFiles(): number {
    const coming = new Set<string>();
    for (const { path } of this.#writes) if (!this.#files.has(path)) coming.add(path);
    return this.#files.size + coming.size;
  }

  /** Whether a file can be at the path: no directory, and below none of the files. */
  #placeable(path: string): Status {
    if (this.#isDirectory(path)) return Status.FAILED_PRECONDITION;
    for (let slash = path.indexOf("/", 1); slash > 0; slash = path.indexOf("/", slash + 1)) {
      if (this.#files.has(path.slice(0, slash))) return Status.FAILED_PRECONDITION;
    }
    return Status.OK;
  }

  #isDirectory(path: string): boolean {
    if (path === "/") return true;
    const prefix = `${path}/`;
    for (const name of this.#files.keys()) if (name.startsWith(prefix)) return true;
    return false;
  }
}

/** What a write reaches of its store. */
interface WriteHost {
  freeBytes(): number;
  put(file: StoredFile): Status;
  discard(): void;
}

/** Smallest buffer of a file whose size is not known, bytes. */
const firstBufferBytes = 4_096;

/** A file on its way into the store. */
export class FileWrite {
  readonly path: string;
  readonly #size: number | null;
  readonly #mode: number;
  readonly #host: WriteHost;
  #buffer: Uint8Array;
  #length = 0;

  constructor(path: string, size: number | null, mode: number, host: WriteHost) {
    this.path = path;
    this.#size = size;
    this.#mode = mode & limits.fileMode;
    this.#host = host;
    this.#buffer = new Uint8Array(size ?? 0);
  }

  /** Space that it reserves. */
  get reservedBytes(): number {
    return this.#buffer.length;
  }

  /**
   * Copies the bytes.
   * @returns OK; DATA_LOSS: more than announced; RESOURCE_EXHAUSTED: no space
   */
  take(bytes: Uint8Array): Status {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      if (this.#size !== null) return Status.DATA_LOSS;
      const max = this.#buffer.length + this.#host.freeBytes();
      if (length > max) return Status.RESOURCE_EXHAUSTED;
      const grown = new Uint8Array(
        Math.min(max, Math.max(firstBufferBytes, length, 2 * this.#buffer.length)),
      );
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
    return Status.OK;
  }

  /**
   * Puts the file at its path, and replaces an existing one.
   * @param nowMs Unix milliseconds, if the device knows the time
   * @returns OK; DATA_LOSS: fewer bytes than announced; FAILED_PRECONDITION: its path is now a directory or below a
   * file
   */
  commit(nowMs: number | undefined): Status {
    if (this.#size !== null && this.#length !== this.#size) {
      this.discard();
      return Status.DATA_LOSS;
    }
    const bytes = this.#length === this.#buffer.length ? this.#buffer : this.#buffer.slice(0, this.#length);
    return this.#host.put({ bytes, mode: this.#mode, modifiedMs: nowMs });
  }

  /** Frees its space; an existing file at the path stays unchanged. */
  discard(): void {
    this.#host.discard();
  }
}
