import { commands, FileType, isPath, Status } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { ProtocolError, RequestError } from "../../foundation/errors.ts";
import type { CallOptions } from "./call-options.ts";
import type { DeviceCalls, ReadyDevice } from "./device-calls.ts";
import { expectPath, fileRefusal, fileWords as words } from "./file-errors.ts";
import { receiveFile, sendFile } from "./file-transfer.ts";
import { readPages } from "./pages.ts";

/** The file or directory at a path of a device. */
export interface FileStat {
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Nine permission bits. */
  readonly mode: number;
  /** Modification time by the device's clock, Unix milliseconds; absent if that clock was not set. */
  readonly modifiedMs?: number;
}

/** An entry of a directory. */
export interface FileEntry {
  /** Without slashes. */
  readonly name: string;
  readonly type: "file" | "directory";
  readonly size: number;
  readonly mode: number;
}

/**
 * Files of devices (SPEC §6.11–§6.14).
 * @throws RequestError FILES_UNSUPPORTED, or those of `file-errors.ts`; UnavailableError if the device is offline, is
 * lost during the transfer, or stalls
 */
export interface FilesVerb {
  stat(key: string, path: string, options: CallOptions): Promise<FileStat>;
  /** All entries of a directory, in bytewise order of their names. */
  list(key: string, path: string, options: CallOptions): Promise<readonly FileEntry[]>;
  /**
   * A file's bytes from `offset` on. If the reader pauses, the device pauses; if the reader stops early, the transfer
   * ends. Iterating throws if the file was not read to its end.
   */
  read(
    key: string,
    path: string,
    options: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Writes a whole file; resolves when the device has committed it. */
  write(
    key: string,
    path: string,
    file: { size: number | undefined; mode: number; bytes: AsyncIterable<Uint8Array> },
    options: CallOptions,
  ): Promise<void>;
  remove(key: string, path: string, options: CallOptions): Promise<void>;
  /** Replaces an existing file at `to`. */
  rename(key: string, from: string, to: string, options: CallOptions): Promise<void>;
}

/** Entries of one directory that are read; a microcontroller has no directory with more. */
export const maxEntries = 10_000;

/** Reads and writes files over devices' sessions. */
export class SessionFiles implements FilesVerb {
  readonly #calls: DeviceCalls;
  readonly #clock: Clock;

  constructor(calls: DeviceCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  stat(key: string, path: string, options: CallOptions): Promise<FileStat> {
    return this.#with(key, [path], options, async (device) => {
      const row = commands.fileStat;
      const refuse = fileRefusal(row, path);
      const stat = await this.#calls.ask(device, row, { path }, { ...options, words, refuse });
      const { modified } = stat;
      return {
        type: typeOf(stat.type),
        size: stat.size,
        mode: stat.mode,
        ...(modified ? { modifiedMs: modified.s * 1000 + modified.ms } : {}),
      };
    });
  }

  list(key: string, path: string, options: CallOptions): Promise<readonly FileEntry[]> {
    return this.#with(key, [path], options, async (device) => {
      const row = commands.fileList;
      const refuse = fileRefusal(row, path);
      const { items } = await readPages(async (from) => {
        const page = await this.#calls.ask(device, row, { path, from }, { ...options, words, refuse });
        return { total: page.total, items: page.entries, page };
      }, maxEntries + 1);
      if (items.length > maxEntries)
        throw new RequestError(
          "FILE_LIST_TOO_LONG",
          `directory ${path} of device ${key} has ${items.length} entries or more: limit ${maxEntries}`,
        );
      // Where the directory changed between two pages an entry may have come twice.
      const byName = new Map(items.map((entry) => [entry.name, entry]));
      return [...byName.values()].map(({ name, type, size, mode }) => {
        expectName(key, path, name);
        return { name, type: typeOf(type), size, mode };
      });
    });
  }

  read(
    key: string,
    path: string,
    options: CallOptions & { offset?: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    const { offset = 0, signal } = options;
    return this.#with(key, [path], options, async (device) => {
      const row = commands.fileRead;
      const refuse = fileRefusal(row, path);
      const stream = this.#calls.openStream(device, `reading ${path}`, options);
      const args = { stream: stream.id, offset, path };
      await this.#calls.ask(device, row, args, { words, signal, refuse, streams: [stream] });
      return receiveFile(stream, {
        signal,
        clock: this.#clock,
        refuse: (outcome) => refuse(key, words, outcome),
      });
    });
  }

  write(
    key: string,
    path: string,
    file: { size: number | undefined; mode: number; bytes: AsyncIterable<Uint8Array> },
    options: CallOptions,
  ): Promise<void> {
    const { signal } = options;
    return this.#with(key, [path], options, async (device) => {
      const row = commands.fileWrite;
      const refuse = fileRefusal(row, path);
      const { size } = file;
      expectSize(key, path, size);
      const stream = this.#calls.openStream(device, `writing ${path}`, options);
      const args = { stream: stream.id, size: size ?? null, mode: file.mode & 0o777, path };
      // Its RESOURCE_EXHAUSTED is about room for the file (SPEC §6.13).
      const fullStatus = Status.UNAVAILABLE;
      await this.#calls.ask(device, row, args, { words, signal, refuse, streams: [stream], fullStatus });
      await sendFile(stream, {
        bytes: file.bytes,
        size,
        signal,
        clock: this.#clock,
        subject: `file ${path} of device ${key}`,
        refuse: (outcome) => refuse(key, words, outcome),
      });
    });
  }

  remove(key: string, path: string, options: CallOptions): Promise<void> {
    return this.#with(key, [path], options, async (device) => {
      const row = commands.fileRemove;
      await this.#calls.ask(device, row, { path }, { ...options, words, refuse: fileRefusal(row, path) });
    });
  }

  rename(key: string, from: string, to: string, options: CallOptions): Promise<void> {
    return this.#with(key, [from, to], options, async (device) => {
      const row = commands.fileRename;
      const refuse = fileRefusal(row, `${from} to ${to}`);
      await this.#calls.ask(device, row, { from, to }, { ...options, words, refuse });
    });
  }

  #with<T>(
    key: string,
    paths: readonly string[],
    { signal }: CallOptions,
    run: (device: ReadyDevice) => Promise<T>,
  ): Promise<T> {
    return this.#calls.counted(words, async () => {
      for (const path of paths) expectPath(path);
      return run(await this.#calls.ready(key, commands.fileStat, words, signal));
    });
  }
}

function typeOf(type: number): FileStat["type"] {
  return type === FileType.directory ? "directory" : "file";
}

function expectSize(key: string, path: string, size: number | undefined): void {
  if (size !== undefined && size > 0xffff_ffff)
    throw new RequestError(
      "FILE_TOO_LARGE",
      `file ${path} of ${size} bytes: device ${key} takes files of less than 4 GiB`,
    );
}

/** A name from a device becomes part of paths elsewhere (`kubectl cp` unpacks it on a person's disk). */
function expectName(key: string, path: string, name: string): void {
  if (name.includes("/") || !isPath(`/${name}`) || name === "")
    throw new ProtocolError(
      "FILE_NAME_BAD",
      `device ${key} lists ${JSON.stringify(name)} in ${path}: expected a name without slashes, not empty, . or ..`,
    );
}
