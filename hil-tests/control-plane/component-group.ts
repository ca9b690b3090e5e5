import { RigError } from "../rig/errors.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import type { ApiRequests } from "./api-request.ts";

/** The servers of a control plane. */
export type Component = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

export interface ComponentGroupOptions {
  /** Path of each program. */
  readonly paths: Readonly<Record<Component, string>>;
  /** Working folder of all. */
  readonly folder: string;
  readonly requests: ApiRequests;
  /** Milliseconds that a component may take until it is ready; default 60,000. */
  readonly readyTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((component: string, line: string) => void) | undefined;
}

/** The running servers of one control plane: starts, watches and ends them. */
export class ComponentGroup {
  /** Resolves when a component ends that nobody ended, with its last lines. */
  readonly failed: Promise<RigError>;
  readonly #fail: (error: RigError) => void;
  readonly #options: ComponentGroupOptions;
  readonly #running = new Map<Component, RunningProcess>();

  constructor(options: ComponentGroupOptions) {
    const failure = Promise.withResolvers<RigError>();
    this.failed = failure.promise;
    this.#fail = failure.resolve;
    this.#options = options;
  }

  start(component: Component, flags: readonly string[]): void {
    const { onLine, paths, folder } = this.#options;
    const started = startProcess({
      name: component,
      command: paths[component],
      args: flags,
      cwd: folder,
      ...(onLine ? { onLine: (line) => onLine(component, line) } : {}),
    });
    this.#running.set(component, started);
    void started.exited.then(() => {
      if (this.#running.get(component) === started) this.#fail(started.endedError());
    });
  }

  /** True while it runs. */
  isRunning(component: Component): boolean {
    const started = this.#running.get(component);
    return started !== undefined && started.exitStatus === undefined;
  }

  /** Ends one (SIGKILL) and returns when it is gone; it does not count as failed. */
  async kill(component: Component): Promise<void> {
    const started = this.#running.get(component);
    this.#running.delete(component);
    await started?.stop({ graceMs: 0 });
  }

  /** Ends all. Their data goes with them: there is nothing for which a component needed time. */
  async killAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((component) => this.kill(component)));
  }

  /** Waits until `https://127.0.0.1:<port><healthPath>` answers 200. */
  async waitHealthy(component: Component, port: number, healthPath: string): Promise<void> {
    await this.waitFor(component, `${component} to be ready`, async () => {
      const url = `https://127.0.0.1:${port}${healthPath}`;
      const answer = await this.#options.requests.send("GET", url, { timeoutMs: 2000 });
      if (answer.status === 200) return true;
      throw new RigError("NOT_READY", `${healthPath} answers ${answer.status}: ${String(answer.body)}`);
    });
  }

  /**
   * Waits for a condition, and no longer than the component and etcd live.
   * @throws RigError PROCESS_ENDED or NOT_READY, each with the component's last lines
   */
  async waitFor(component: Component, what: string, condition: () => Promise<boolean>): Promise<void> {
    const { readyTimeoutMs = 60_000, signal } = this.#options;
    const watched = [this.#running.get("etcd"), this.#running.get(component)];
    const outcome = await waitFor(
      async () => watched.find((process) => process?.exitStatus)?.endedError() ?? (await condition()),
      { deadlineMs: readyTimeoutMs, what, ...(signal ? { signal } : {}) },
    ).catch((error: unknown) => {
      signal?.throwIfAborted();
      const said = this.#running.get(component)?.lastLines(15).join("\n  ");
      throw new RigError("NOT_READY", `${String(error)}; ${component} said last:\n  ${said}`, {
        cause: error,
      });
    });
    if (outcome instanceof RigError) throw outcome;
  }
}
