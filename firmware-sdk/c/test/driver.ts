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

/** Where test programs run: here, with sanitizers, or on an AVR that is emulated (MOTELET_MACHINE=avr). */
export const machine = process.env.MOTELET_MACHINE === "avr" ? "avr" : "host";

/** Builds, where needed, a test program of C, and says how it is started on the machine. */
export async function program(name: string): Promise<{ command: string; args: string[] }> {
  const path = `${buildFolder}${machine}/${name}${machine === "avr" ? ".bin" : ""}`;
  await make(path);
  if (machine === "host") return { command: path, args: [] };
  return {
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", `${folder}test/avr/avr-machine.ts`, path],
  };
}

/** Of counts that would take the AVR minutes, only a share of `make test` is run there: one in this many. */
export const share = machine === "avr" && !process.env.MOTELET_SOAK ? 30 : 1;

/** Runs a test program of C on the machine, with this on stdin, and returns the numbers that it prints. */
export async function numbersOf(name: string, input = ""): Promise<number[]> {
  const { command, args } = await program(name);
  return await new Promise((resolve, reject) => {
    const child = execFile(command, args, (error, stdout, stderr) =>
      error
        ? reject(new Error(`${name}: ${stdout}${stderr || error}`))
        : resolve(stdout.trim().split(" ").map(Number)),
    );
    child.stdin?.end(input);
  });
}

/** A C test driver that answers one line, or a block of them, to each request (test/host/driver.c). */
export class Driver implements AsyncDisposable {
  readonly #process;
  readonly #lines;
  #errors = "";

  private constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Builds, where needed, and starts the driver with this message limit. */
  static async start(messageBytes: number): Promise<Driver> {
    const { command, args } = await program(`driver-${messageBytes}`);
    return new Driver(command, args);
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
