import type { FileEntry, FileStat, FilesVerb } from "../../src/devices/verbs/files.ts";
import { RequestError, UnavailableError } from "../../src/foundation/errors.ts";

export interface FakeFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly modifiedMs?: number;
}

/** Bytes of one chunk, as a device's window would cut them. */
const chunkBytes = 700;

/**
 * A device's files in memory, at the verb. Not done: windows and repetitions (one chunk is in flight), paths that are
 * checked for more than being there, times of files that are written.
 */
export class FakeFiles implements FilesVerb {
  readonly files = new Map<string, FakeFile>();
  roomBytes = 10_000_000;
  /** While true every call fails as for a device that is away. */
  isAway = false;
  /** Reads fail after this many bytes in total. */
  readsLeftBytes = Number.POSITIVE_INFINITY;
  /** Called before each chunk of a read. */
  onRead: ((path: string, offset: number) => void) | undefined;
  readBytes = 0;
  readonly written: string[] = [];

  put(path: string, content: string | Uint8Array, mode = 0o644, modifiedMs?: number): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    this.files.set(path, { bytes, mode, ...(modifiedMs === undefined ? {} : { modifiedMs }) });
  }

  text(path: string): string | undefined {
    const file = this.files.get(path);
    return file && Buffer.from(file.bytes).toString();
  }

  async stat(_key: string, path: string, { signal }: { signal: AbortSignal }): Promise<FileStat> {
    this.#expectThere(signal);
    const file = this.files.get(path);
    if (file) {
      const { bytes, mode, modifiedMs } = file;
      return { type: "file", size: bytes.length, mode, ...(modifiedMs === undefined ? {} : { modifiedMs }) };
    }
    if (path !== "/" && this.#namesIn(path).size === 0) throw notFound(path);
    return { type: "directory", size: 0, mode: 0o755 };
  }

  async list(key: string, path: string, options: { signal: AbortSignal }): Promise<readonly FileEntry[]> {
    const { type } = await this.stat(key, path, options);
    if (type === "file") throw new RequestError("FILE_NOT_DIRECTORY", `${path} is a file`);
    const names = [...this.#namesIn(path)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return Promise.all(
      names.map(async (name) => ({
        name,
        ...(await this.stat(key, path === "/" ? `/${name}` : `${path}/${name}`, options)),
      })),
    );
  }

  async read(
    _key: string,
    path: string,
    { offset = 0, signal }: { offset?: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    this.#expectThere(signal);
    if (!this.files.has(path)) throw notFound(path);
    return this.#chunks(path, offset, signal);
  }

  async *#chunks(path: string, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let at = offset; ; at += chunkBytes) {
      this.onRead?.(path, at);
      this.#expectThere(signal);
      const chunk = this.files.get(path)?.bytes.subarray(at, at + chunkBytes);
      if (!chunk || chunk.length === 0) return;
      this.readBytes += chunk.length;
      this.readsLeftBytes -= chunk.length;
      if (this.readsLeftBytes < 0) {
        this.isAway = true;
        this.#expectThere(signal);
      }
      yield chunk;
    }
  }

  async write(
    _key: string,
    path: string,
    file: { size: number | undefined; mode: number; bytes: AsyncIterable<Uint8Array> },
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    this.#expectThere(signal);
    const noRoom = () => new RequestError("FILE_NO_ROOM", `${this.roomBytes} bytes are free`);
    if ((file.size ?? 0) > this.roomBytes) throw noRoom();
    if (path === "/" || this.#namesIn(path).size > 0)
      throw new RequestError("FILE_IS_DIRECTORY", `${path} is a directory`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const bytes of file.bytes) {
      this.#expectThere(signal);
      length += bytes.length;
      if (length > this.roomBytes) throw noRoom();
      chunks.push(Buffer.from(bytes));
    }
    this.#expectThere(signal);
    this.roomBytes -= length;
    this.files.set(path, { bytes: Buffer.concat(chunks), mode: file.mode });
    this.written.push(path);
  }

  async remove(_key: string, path: string): Promise<void> {
    if (!this.files.delete(path)) throw notFound(path);
  }

  async rename(_key: string, from: string, to: string): Promise<void> {
    const file = this.files.get(from);
    if (!file) throw notFound(from);
    this.files.delete(from);
    this.files.set(to, file);
  }

  #namesIn(directory: string): Set<string> {
    const prefix = directory === "/" ? "/" : `${directory}/`;
    const inside = [...this.files.keys()].filter((path) => path.startsWith(prefix));
    return new Set(inside.map((path) => path.slice(prefix.length).split("/")[0] ?? ""));
  }

  #expectThere(signal: AbortSignal): void {
    if (signal.aborted) throw new UnavailableError("FILES_CANCELLED", "the transfer was cancelled");
    if (this.isAway) throw new UnavailableError("DEVICE_OFFLINE", "device default/lamp went offline");
  }
}

function notFound(path: string): RequestError {
  return new RequestError("FILE_NOT_FOUND", `${path} does not exist`);
}
