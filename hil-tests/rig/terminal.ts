import { readFile } from "node:fs/promises";
import { type RunningProcess, startProcess } from "./process.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait.ts";

/** A command that runs on a terminal of its own, made by script(1): its keys are typed and its window is resized from here. */
export class Terminal implements AsyncDisposable {
  readonly process: RunningProcess;
  readonly #nameFile: string;
  readonly #transcriptFile: string;

  private constructor(process: RunningProcess, nameFile: string) {
    this.process = process;
    this.#nameFile = nameFile;
    this.#transcriptFile = `${nameFile}.out`;
  }

  /** @param folder where the name of the terminal is kept while it lives */
  static start(options: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: NodeJS.ProcessEnv;
    readonly columns: number;
    readonly rows: number;
    readonly folder: string;
  }): Terminal {
    const nameFile = `${options.folder}/terminal-${Terminal.#count++}`;
    const words = [options.command, ...options.args].map(quoted).join(" ");
    const size = `stty cols ${options.columns} rows ${options.rows}`;
    const script = `${size}; tty > ${quoted(nameFile)}; exec ${words}`;
    const process = startProcess({
      name: "script",
      command: "script",
      args: ["-qefc", script, `${nameFile}.out`],
      env: { ...options.env, SHELL: "/bin/sh" },
    });
    return new Terminal(process, nameFile);
  }

  static #count = 0;

  /** All that was shown so far, without what moves the cursor and colours: also what no line's end follows. */
  async shown(): Promise<string> {
    const raw = await readFile(this.#transcriptFile, "latin1").catch(() => "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
    return Buffer.from(raw.replaceAll(/\x1b(?:\[[0-?]*[ -/]*[@-~]|[()].|[=>78])/g, ""), "latin1").toString();
  }

  /** Waits until something was shown, after the first `from` characters of `shown`. */
  async waitFor(pattern: RegExp, options: { deadlineMs: number; from?: number }): Promise<void> {
    await waitFor(async () => pattern.test((await this.shown()).slice(options.from ?? 0)), {
      deadlineMs: options.deadlineMs,
      what: `the terminal to show ${pattern}`,
    });
  }

  type(keys: string): void {
    this.process.stdin.write(keys);
  }

  /** Changes the size of the window, as dragging its corner does: the foreground process gets SIGWINCH. */
  async resize(columns: number, rows: number): Promise<void> {
    const name = await waitFor(async () => (await readFile(this.#nameFile, "utf8")).trim(), {
      deadlineMs: 10_000,
      what: "the terminal to have a name",
    });
    await runCommand("stty", ["-F", name, "cols", String(columns), "rows", String(rows)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
