import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const folder = fileURLToPath(new URL("..", import.meta.url));
export const buildFolder = fileURLToPath(new URL("../../../build/c/", import.meta.url));

/** Builds a target of the Makefile, one at a time whoever asks; a failure carries the compiler's words. */
export async function make(target: string): Promise<void> {
  await mkdir(buildFolder, { recursive: true });
  await promisify(execFile)("flock", [`${buildFolder}lock`, "make", "-s", "-C", folder, target]);
}

/** A C test driver that answers one line, or a block of them, to each request (test/driver.c). */
export class Driver implements AsyncDisposable {
  readonly #process;
  readonly #lines;
  #errors = "";

  private constructor(path: string) {
    this.#process = spawn(path, { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Builds, where needed, and starts the driver with this message limit. */
  static async start(messageBytes: number): Promise<Driver> {
    await make(`${buildFolder}host/driver-${messageBytes}`);
    return new Driver(`${buildFolder}host/driver-${messageBytes}`);
  }

  /** Sends a request and reads its answer of one line. */
  async ask(request: string): Promise<string> {
    this.#process.stdin.write(`${request}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the driver ended at "${request.slice(0, 100)}": ${this.#errors}`);
    return value;
  }

  /** Sends a request and reads lines up to the one that begins with `last`. */
  async askBlock(request: string, last: string): Promise<string[]> {
    const lines = [await this.ask(request)];
    while (!lines.at(-1)?.startsWith(last)) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the driver ended within "${request.slice(0, 100)}": ${this.#errors}`);
      lines.push(value);
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, "exit");
  }
}
