import { availableParallelism } from "node:os";
import process from "node:process";

/** Seconds of a cold build on two cores, in the order of building; the estimate starts from them. */
const coldSeconds: Readonly<Record<string, number>> = {
  etcd: 34,
  "kube-apiserver": 228,
  "kube-controller-manager": 74,
  "kube-scheduler": 10,
  kubectl: 28,
};
const coldSecondsOfOthers = 90;

/** How long builds take on this machine, learnt from those that are done. */
export class BuildEstimate {
  #factor: number;

  /** @param cores processors of this machine; more than eight do not help the linker */
  constructor(cores: number = availableParallelism()) {
    this.#factor = 2 / Math.min(Math.max(cores, 1), 8);
  }

  /** Notes what one build took in truth. */
  learn(name: string, seconds: number): void {
    this.#factor = seconds / (coldSeconds[name] ?? coldSecondsOfOthers);
  }

  /** Seconds until all of these are built, the first of which has been building for `elapsedSeconds`. */
  remainingSeconds(names: readonly string[], elapsedSeconds: number): number {
    const [current = 0, ...later] = names.map(
      (name) => (coldSeconds[name] ?? coldSecondsOfOthers) * this.#factor,
    );
    return Math.max(current - elapsedSeconds, 0) + later.reduce((sum, seconds) => sum + seconds, 0);
  }
}

/** "4 min 10 s", "25 s". */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Where progress is shown. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Shows which binary is being built, for how long, and how long all will still take. */
export class BuildProgress {
  readonly #output: ProgressOutput;
  readonly #estimate: BuildEstimate;

  constructor(output: ProgressOutput = process.stderr, estimate = new BuildEstimate()) {
    this.#output = output;
    this.#estimate = estimate;
  }

  /** One line of its own. */
  say(text: string): void {
    this.#output.write(`${text}\n`);
  }

  /** Runs one build and shows its progress: each second at a terminal, each half minute in a log. */
  async during<T>(title: string, names: readonly [string, ...string[]], build: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const elapsed = (): number => (performance.now() - startedMs) / 1000;
    const show = (): void => {
      const remaining = this.#estimate.remainingSeconds(names, elapsed());
      const left = remaining < 1 ? "almost done" : `about ${formatSeconds(remaining)} left in all`;
      const line = `building ${title}: ${formatSeconds(elapsed())}, ${left}`;
      this.#output.write(this.#output.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
    };
    show();
    const timer = setInterval(show, this.#output.isTTY ? 1000 : 30_000);
    try {
      const built = await build();
      this.#estimate.learn(names[0], elapsed());
      this.#output.write(
        `${this.#output.isTTY ? "\r\u001b[K" : ""}built ${title} in ${formatSeconds(elapsed())}\n`,
      );
      return built;
    } catch (error) {
      this.#output.write(this.#output.isTTY ? "\n" : "");
      throw error;
    } finally {
      clearInterval(timer);
    }
  }
}
