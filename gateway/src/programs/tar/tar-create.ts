import { createHash } from "node:crypto";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { FileStat, FilesVerb } from "../../devices/verbs/files.ts";
import { MoteletError, RequestError } from "../../foundation/errors.ts";
import { resolveName } from "../member-path.ts";
import { fileErrorCode, fileErrorWords } from "./file-errors.ts";
import type { ArchiveMember } from "./tar-command.ts";
import { encodeTarHeader, type TarMember, tarEnd, tarPadding } from "./tar-header.ts";

/** The position of an interrupted copy. */
export interface CopyMark {
  /** Headers that were sent; the last one may be incomplete. */
  readonly headers: number;
  /** SHA-256 of the headers. */
  readonly digest: string;
}

export interface CreateOptions {
  readonly files: FilesVerb;
  readonly key: string;
  readonly members: readonly ArchiveMember[];
  /** Bytes at the beginning that the caller has already: they are neither sent nor fetched from the device. */
  readonly skipBytes: number;
  /** The position of the previous attempt. */
  readonly mark?: CopyMark | undefined;
  readonly call: CallOptions;
  /** Takes a line for stderr. */
  readonly complain: (line: string) => Promise<void>;
  /** Called with the name of each member of the archive. */
  readonly named: (name: string) => Promise<void>;
}

/**
 * Creates an archive of a device's files while it is read; holds none of it. Members are in bytewise order of their
 * names, and headers contain no owner and no time of the copy, so that a second attempt creates the same bytes. The
 * size of a file is read just before its header; it is an error if the file then has another size.
 */
export class ArchiveWriter {
  readonly #options: CreateOptions;
  readonly #digest = createHash("sha256");
  #headers = 0;
  /** Bytes of the archive so far, those that are skipped included. */
  #position = 0;
  #failed = false;

  constructor(options: CreateOptions) {
    this.#options = options;
  }

  /** For an attempt that continues from here. */
  get mark(): CopyMark {
    return { headers: this.#headers, digest: this.#digest.copy().digest("base64") };
  }

  /** tar's exit code; read it after all bytes. */
  get exitCode(): number {
    return this.#failed ? 2 : 0;
  }

  /** @throws RequestError FILE_CHANGED if the archive cannot be continued, UnavailableError if the device is lost */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const member of this.#options.members) yield* this.#argument(member);
    // kubectl takes what is whole for success and does not wait for the exit code.
    if (!this.#failed) yield* this.#emit(tarEnd);
    else await this.#options.complain("tar: Exiting with failure status due to previous errors");
  }

  async *#argument({ directory, name }: ArchiveMember): AsyncGenerator<Uint8Array> {
    const resolved = resolveName(directory, name);
    if ("refusal" in resolved) return await this.#complain(name, resolved.refusal);
    yield* this.#tree(resolved.path, resolved.name);
  }

  async *#tree(path: string, name: string): AsyncGenerator<Uint8Array> {
    const { files, key, call } = this.#options;
    let found: FileStat;
    try {
      found = await files.stat(key, path, call);
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
      return await this.#complain(name || path, `Cannot stat: ${fileErrorWords(error)}`);
    }
    if (found.type === "file") yield* this.#file(path, { ...found, name });
    else yield* this.#directory(path, { ...found, name });
  }

  async *#directory(path: string, member: TarMember): AsyncGenerator<Uint8Array> {
    const { files, key, call } = this.#options;
    let entries: Awaited<ReturnType<FilesVerb["list"]>>;
    try {
      entries = await files.list(key, path, call);
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
      return await this.#complain(member.name || path, `Cannot open: ${fileErrorWords(error)}`);
    }
    // What is copied may be the working directory itself: its members then have no directory before them.
    if (member.name !== "") yield* this.#header(member);
    for (const { name } of entries)
      yield* this.#tree(path === "/" ? `/${name}` : `${path}/${name}`, join(member.name, name));
  }

  async *#file(path: string, member: TarMember): AsyncGenerator<Uint8Array> {
    yield* this.#header(member);
    const had = Math.min(member.size, Math.max(0, this.#options.skipBytes - this.#position));
    this.#position += had;
    if (had < member.size) yield* this.#content(path, member, had);
    yield* this.#emit(tarPadding(member.size));
  }

  async *#content(path: string, { name, size }: TarMember, offset: number): AsyncGenerator<Uint8Array> {
    const { files, key, call } = this.#options;
    let left = size - offset;
    try {
      for await (const bytes of await files.read(key, path, { ...call, offset })) {
        if (bytes.length > left) throw changed(name, `File grew beyond ${size} bytes`);
        left -= bytes.length;
        yield* this.#emit(bytes);
      }
    } catch (error) {
      const code = fileErrorCode(error);
      if (code === "FILE_CHANGED") throw error;
      if (error instanceof MoteletError && error.code === "FILE_DATA_LOSS")
        throw changed(name, "File changed as we read it", error);
      if (code === undefined) throw error;
      throw changed(name, fileErrorWords(error), error);
    }
    if (left > 0) throw changed(name, `File shrank by ${left} bytes`);
  }

  async *#header(member: TarMember): AsyncGenerator<Uint8Array> {
    const { mark, named } = this.#options;
    const bytes = encodeTarHeader(member);
    this.#digest.update(bytes);
    this.#headers += 1;
    if (mark?.headers === this.#headers && mark.digest !== this.mark.digest)
      throw changed(member.name, "Files changed since the copy began, it cannot be resumed");
    await named(member.name);
    yield* this.#emit(bytes);
  }

  *#emit(bytes: Uint8Array): Generator<Uint8Array> {
    const had = Math.min(bytes.length, Math.max(0, this.#options.skipBytes - this.#position));
    this.#position += bytes.length;
    if (had < bytes.length) yield bytes.subarray(had);
  }

  async #complain(name: string, reason: string): Promise<void> {
    this.#failed = true;
    await this.#options.complain(`tar: ${name}: ${reason}`);
  }
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function changed(name: string, reason: string, cause?: unknown): RequestError {
  return new RequestError("FILE_CHANGED", `tar: ${name}: ${reason}`, { cause });
}
