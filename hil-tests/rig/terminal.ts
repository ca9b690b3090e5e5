import { readFile } from "node:fs/promises";
import { type RunningProcess, startProcess } from "./process.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait.ts";

/** A command that runs on a terminal of its own, made by script(1): its keys are typed and its window is resized from here. */
export class Terminal implements AsyncDisposable {
  readonly process: RunningProcess;
  readonly #nameFile: string;

  private constructor(process: RunningProcess, nameFile: string) {
    this.process = process;
    this.#nameFile = nameFile;
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
      args: ["-qec", script, "/dev/null"],
      env: { ...options.env, SHELL: "/bin/sh" },
    });
    return new Terminal(process, nameFile);
  }

  static #count = 0;

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
