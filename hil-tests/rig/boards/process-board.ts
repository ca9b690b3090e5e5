import { type RunningProcess, type StartOptions, startProcess } from "../process.ts";
import type { Board } from "./board.ts";

/** A board that is one process, started with the same command each time. */
export class ProcessBoard implements Board {
  readonly #options: StartOptions;
  readonly #isUp: (process: RunningProcess) => Promise<unknown>;
  #process: RunningProcess | undefined;

  /** @param isUp resolves when what the process runs can be connected to */
  constructor(options: StartOptions, isUp: (process: RunningProcess) => Promise<unknown>) {
    this.#options = options;
    this.#isUp = isUp;
  }

  async restart(): Promise<void> {
    this.#process = startProcess({ vital: true, ...this.#options });
    await this.#isUp(this.#process);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
