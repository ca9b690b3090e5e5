/** What is behind a path of a device's file system. */
export interface FileStat {
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Nine permission bits. */
  readonly mode: number;
  /** When the content came about by the device's clock, Unix milliseconds; absent where that was not set. */
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
 * @throws RequestError FILES_UNSUPPORTED, FILE_NOT_FOUND, FILE_IS_DIRECTORY, FILE_NO_ROOM, FILE_PATH …; UnavailableError
 *   where the device is away, or is lost in the middle
 */
export interface FilesVerb {
  stat(key: string, path: string, options: { signal: AbortSignal }): Promise<FileStat>;
  /** All entries of a directory, in bytewise order of their names. */
  list(key: string, path: string, options: { signal: AbortSignal }): Promise<readonly FileEntry[]>;
  /**
   * A file's bytes from `offset` on. A reader that does not read stops the device; one that stops early ends the transfer.
   * Iterating throws where the file did not come to its end.
   */
  read(
    key: string,
    path: string,
    options: { offset?: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Puts a file in place whole; done when the device has committed it. */
  write(
    key: string,
    path: string,
    file: { size: number | undefined; mode: number; bytes: AsyncIterable<Uint8Array> },
    options: { signal: AbortSignal },
  ): Promise<void>;
  remove(key: string, path: string, options: { signal: AbortSignal }): Promise<void>;
  /** Replaces what is at `to`. */
  rename(key: string, from: string, to: string, options: { signal: AbortSignal }): Promise<void>;
}
