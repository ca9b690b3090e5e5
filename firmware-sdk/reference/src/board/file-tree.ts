/** A stored file; it is immutable and only replaced as a whole. */
export interface StoredFile {
  readonly bytes: Uint8Array;
  /** The nine permission bits. */
  readonly mode: number;
  /** Unix milliseconds; undefined if the device did not know the time. */
  readonly modifiedMs: number | undefined;
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: "file" | "directory";
  readonly size: number;
  readonly mode: number;
}

/** Mode of directories, which exist only as prefixes of paths. */
export const directoryMode = 0o755;

/** A directory, derived from the paths: its entries in bytewise order of their names. */
export function directoryOf(path: string, files: ReadonlyMap<string, StoredFile>): DirectoryEntry[] {
  const prefix = path === "/" ? path : `${path}/`;
  const entries = new Map<string, DirectoryEntry>();
  for (const [name, { bytes, mode }] of files) {
    if (!name.startsWith(prefix)) continue;
    const rest = name.slice(prefix.length);
    const slash = rest.indexOf("/");
    if (slash < 0) entries.set(rest, { name: rest, type: "file", size: bytes.length, mode });
    else {
      const directory = rest.slice(0, slash);
      entries.set(directory, { name: directory, type: "directory", size: 0, mode: directoryMode });
    }
  }
  return [...entries.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}
