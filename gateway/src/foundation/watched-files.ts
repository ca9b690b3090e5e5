import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Clock, Timer } from "./clock.ts";
import { ConfigError, messageOf } from "./errors.ts";

/** Contents of the files, by the names that the owner chose. */
export type FileContents<K extends string> = Readonly<Record<K, string>>;

/**
 * Small text files that another process replaces while the gateway runs, such as a mounted certificate. They are read
 * again every `intervalMs`: a mounted Secret changes by a symbolic link in another folder, which file watching misses,
 * and reading a few kilobytes is cheap.
 */
export class WatchedFiles<K extends string> implements Disposable {
  readonly #paths: Readonly<Record<K, string>>;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #seen: FileContents<K> | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: { paths: Readonly<Record<K, string>>; clock: Clock; intervalMs?: number }) {
    this.#paths = options.paths;
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs ?? 10_000;
  }

  /** @throws ConfigError FILE_READ if one cannot be read */
  read(): FileContents<K> {
    const entries = this.#entries().map(([name, path]) => {
      try {
        return [name, readFileSync(path, "utf8")];
      } catch (cause) {
        throw new ConfigError("FILE_READ", `cannot read ${path}: ${messageOf(cause)}`, { path, cause });
      }
    });
    this.#seen = Object.fromEntries(entries) as FileContents<K>;
    return this.#seen;
  }

  /**
   * Starts to look for changes; call it after `read`.
   * @param changed must not throw; may get one new and one old file, and is then called once more
   * @param failed a file could not be read this time; must not throw
   */
  watch(changed: (contents: FileContents<K>) => void, failed: (error: Error) => void): void {
    this.#timer = this.#clock.after(this.#intervalMs, () => {
      void this.#look(changed, failed).then(() => {
        if (!this.#ended) this.watch(changed, failed);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  async #look(changed: (contents: FileContents<K>) => void, failed: (error: Error) => void): Promise<void> {
    try {
      const entries = this.#entries().map(async ([name, path]) => [name, await readFile(path, "utf8")]);
      const contents = Object.fromEntries(await Promise.all(entries)) as FileContents<K>;
      if (this.#ended || this.#entries().every(([name]) => contents[name] === this.#seen?.[name])) return;
      this.#seen = contents;
      changed(contents);
    } catch (error) {
      if (!this.#ended) failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #entries(): [K, string][] {
    return Object.entries(this.#paths) as [K, string][];
  }
}
