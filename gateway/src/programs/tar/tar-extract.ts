import { type Extract, extract, type Header } from "tar-stream";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { FilesVerb } from "../../devices/verbs/files.ts";
import { RequestError } from "../../foundation/errors.ts";
import { resolveMember } from "../member-path.ts";
import { fileErrorCode, fileErrorWords } from "./file-errors.ts";
import { tarBlockBytes } from "./tar-header.ts";

export const archiveLimits = {
  /** Between the end of a member's content and the next member: bounds long headers and endless zeros. */
  bytesBetweenMembers: 1_048_576,
  /** Maximum size of a device's file (SPEC §6.14). */
  fileBytes: 0xffff_ffff,
} as const;

export interface ExtractOptions {
  readonly files: FilesVerb;
  readonly key: string;
  readonly input: AsyncIterable<Uint8Array>;
  /** Directory into which the members are extracted. */
  readonly directory: string;
  readonly keepModes: boolean;
  readonly call: CallOptions;
  readonly complain: (line: string) => Promise<void>;
  readonly named: (name: string) => Promise<void>;
  /** Called with the number of bytes as the device takes content. */
  readonly moved: (bytes: number) => void;
}

/** A member as the library gives it: its content, to be read to its end before the next one comes. */
type Member = AsyncIterable<Uint8Array> & { readonly header: Header; readonly offset: number };

/** What the one who feeds and the one who reads both need to know. */
interface Progress {
  fedBytes: number;
  /** Position in the archive after the last member's content. */
  contentEnd: number;
}

/**
 * Extracts an archive onto a device while it arrives. Holds one block of it. Each file appears on the device completely
 * or not at all. Members with paths outside, links and special files are refused by name, and the rest continues, as in
 * tar; a full device ends it.
 * @returns tar's exit code: 0, or 2 if anything was refused
 * @throws UnavailableError if the device is lost
 */
export async function extractArchive(options: ExtractOptions): Promise<number> {
  const archive = extract();
  const progress: Progress = { fedBytes: 0, contentEnd: 0 };
  // Not waited for: it may wait for input, which ends at the latest when the command has.
  feed(archive, options.input, progress).catch((error: unknown) =>
    archive.destroy(error instanceof Error ? error : new RequestError("ARCHIVE_INPUT", String(error))),
  );
  let failed = false;
  try {
    for await (const member of archive as AsyncIterable<Member>) {
      progress.contentEnd = member.offset + tarBlockBytes + (member.header.size ?? 0);
      const refusal = await extractMember(member, options);
      if (refusal === undefined) continue;
      failed = true;
      await options.complain(`tar: ${member.header.name}: ${refusal.words}`);
      if (refusal.isFinal) return await giveUp(options);
    }
  } catch (error) {
    if (!isArchiveError(error)) throw error;
    await options.complain(`tar: ${error.message}`);
    return await giveUp(options);
  } finally {
    archive.destroy();
  }
  if (progress.fedBytes === 0) {
    await options.complain("tar: This does not look like a tar archive");
    return await giveUp(options);
  }
  if (failed) await options.complain("tar: Exiting with failure status due to previous errors");
  return failed ? 2 : 0;
}

async function giveUp(options: ExtractOptions): Promise<number> {
  await options.complain("tar: Error is not recoverable: exiting now");
  return 2;
}

/** The library throws bare errors for what is wrong with an archive; ours have a class. */
function isArchiveError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.constructor === Error || (error instanceof RequestError && error.code.startsWith("ARCHIVE_"));
}

async function feed(archive: Extract, input: AsyncIterable<Uint8Array>, progress: Progress): Promise<void> {
  const gone = happened(archive, "close");
  for await (const bytes of input) {
    if (archive.destroying) return;
    progress.fedBytes += bytes.length;
    if (progress.fedBytes - bytes.length - progress.contentEnd > archiveLimits.bytesBetweenMembers)
      throw new RequestError(
        "ARCHIVE_HEADER_TOO_LONG",
        `found no member within ${archiveLimits.bytesBetweenMembers} bytes of the archive`,
      );
    if (archive.write(bytes)) continue;
    await Promise.race([happened(archive, "drain"), gone]);
  }
  archive.end(null);
}

/** Unlike `once` of node:events it does not throw if the archive is bad: its reader gets the error. */
function happened(archive: Extract, event: "close" | "drain"): Promise<void> {
  return new Promise((resolve) => archive.once(event, resolve));
}

interface MemberRefusal {
  readonly words: string;
  /** No member after it can be extracted. */
  readonly isFinal?: boolean;
}

async function extractMember(member: Member, options: ExtractOptions): Promise<MemberRefusal | undefined> {
  const content = new MemberContent(member, options.moved);
  const refusal = await tryMember(member.header, content, options);
  // An error of the archive is reported at once, however much of it is still to come.
  if (!refusal?.isFinal) await content.discard();
  return refusal;
}

/** @throws what is wrong with the archive or the device, as opposed to this member */
async function tryMember(
  header: Header,
  content: MemberContent,
  options: ExtractOptions,
): Promise<MemberRefusal | undefined> {
  const refusal = judgeMember(header);
  if (refusal !== undefined) return refusal;
  const resolved = resolveMember(options.directory, header.name);
  if ("refusal" in resolved) return { words: resolved.refusal };
  // A directory comes about with its first file.
  if (isDirectory(header)) return undefined;
  await options.named(resolved.name);
  const mode = header.mode & (options.keepModes ? 0o777 : 0o755);
  const { key, files, call } = options;
  try {
    await files.write(key, resolved.path, { size: header.size, mode, bytes: content }, call);
    return undefined;
  } catch (error) {
    if (content.failure !== undefined) throw content.failure;
    const code = fileErrorCode(error);
    if (code === undefined) throw error;
    return { words: `Cannot write: ${fileErrorWords(error)}`, isFinal: code === "FILE_NO_ROOM" };
  }
}

function isDirectory({ type, name }: Header): boolean {
  return type === "directory" || name.endsWith("/");
}

/** @returns why a member of this kind is not extracted */
function judgeMember(header: Header): MemberRefusal | undefined {
  const { type, size, linkname, pax } = header;
  switch (type) {
    case "directory":
      return undefined;
    case "file":
    case "contiguous-file":
      if (Object.keys(pax ?? {}).some((key) => key.startsWith("GNU.sparse.")))
        return { words: "Cannot extract: sparse files are not taken" };
      if (size > archiveLimits.fileBytes)
        return { words: `Cannot write: File too large (${size} bytes)`, isFinal: true };
      return undefined;
    case "symlink":
      return { words: `Cannot create symlink to '${linkname}': Operation not permitted` };
    case "link":
      return { words: `Cannot hard link to '${linkname}': Operation not permitted` };
    case "character-device":
    case "block-device":
    case "fifo":
      return { words: "Cannot mknod: Operation not permitted" };
    default:
      return { words: unknownType(type) };
  }
}

/** The library gives null for the types that it does not know. */
function unknownType(_type: never): string {
  return "Unknown file type";
}

/** A member's content, which a writer may leave before its end without ending the archive. */
class MemberContent implements AsyncIterable<Uint8Array> {
  /** Why the archive cannot be read further. */
  failure: unknown;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #moved: (bytes: number) => void;
  /** A writer may leave while it waits for bytes, and the source takes one reader at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(member: Member, moved: (bytes: number) => void) {
    this.#source = member[Symbol.asyncIterator]();
    this.#moved = moved;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = await this.#next();
      if (bytes === undefined) return;
      yield bytes;
      this.#moved(bytes.length);
    }
  }

  /** Reads and drops the rest. */
  async discard(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  #next(): Promise<Uint8Array | undefined> {
    const next = this.#turn.then(() => this.#read());
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#source.next();
      return done === true ? undefined : value;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
