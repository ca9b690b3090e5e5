import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a device's name becomes as a file name: all but letters, digits, dashes and inner dots is replaced. */
export const fileNameOf = (name: string): string => name.replaceAll(/^\.+|[^A-Za-z0-9.-]/g, "_");

/** A boot number that survives the process: one small file a device, replaced as a whole. */
export class BootCounter {
  readonly #path: string;

  /** @param name of the device */
  constructor(directory: string, name: string) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, `${fileNameOf(name)}.boot`);
  }

  /** The number of the boot that begins now. */
  next(): number {
    const boot = (this.#last() + 1) >>> 0;
    this.keep(boot);
    return boot;
  }

  keep(boot: number): void {
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, `${boot}\n`);
    renameSync(temporary, this.#path);
  }

  #last(): number {
    try {
      const number = Number.parseInt(readFileSync(this.#path, "utf8"), 10);
      return Number.isNaN(number) ? 0 : number;
    } catch {
      // The first boot: there is no file yet.
      return 0;
    }
  }
}
