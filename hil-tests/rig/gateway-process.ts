import { fileURLToPath } from "node:url";
import { flagName } from "@motelet/gateway";
import { RigError } from "./errors.ts";
import { type RunningProcess, startProcess } from "./process.ts";

const main = fileURLToPath(new URL("../../gateway/cli/main.ts", import.meta.url));

/** How node runs the workspaces' sources. */
export const nodeFlags = ["--conditions=motelet-source", "--disable-warning=ExperimentalWarning"];

export interface GatewayProcessOptions {
  readonly kubeconfig: string;
  /** Further settings by dotted key, e.g. {"session.heartbeatS": "2"}. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** Further flags of node, e.g. --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

interface Ports {
  readonly kubelet: number;
  readonly mqtt: number;
  readonly operations: number;
}

/** A gateway as its own process, so that it can be killed. After the first start it keeps its ports. */
export class GatewayProcess implements AsyncDisposable {
  readonly #options: GatewayProcessOptions;
  #process: RunningProcess | undefined;
  #ports: Ports = { kubelet: 0, mqtt: 0, operations: 0 };

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
  }

  get ports(): Ports {
    return this.#ports;
  }

  get process(): RunningProcess {
    if (!this.#process) throw new RigError("NOT_STARTED", "the gateway has not been started");
    return this.#process;
  }

  /** Starts it and returns when it says that it is ready. */
  async start(): Promise<void> {
    const settings = {
      "kubernetes.kubeconfig": this.#options.kubeconfig,
      "kubelet.host": "127.0.0.1",
      "kubelet.port": String(this.#ports.kubelet),
      "mqtt.port": String(this.#ports.mqtt),
      "operations.port": String(this.#ports.operations),
      ...this.#options.settings,
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => [flagName(key), value]);
    this.#process = startProcess({
      name: "gateway",
      vital: true,
      command: process.execPath,
      args: [...nodeFlags, ...(this.#options.nodeFlags ?? []), main, "gateway", "run", ...flags],
      ...(this.#options.onLine ? { onLine: this.#options.onLine } : {}),
    });
    const [, line] = await this.#process.waitForLine(/^(\{.*"msg":"gateway ready".*\})$/, {
      deadlineMs: 30_000,
    });
    const { kubeletPort, mqttPort, operationsPort } = JSON.parse(line ?? "{}") as Record<string, number>;
    this.#ports = { kubelet: kubeletPort ?? 0, mqtt: mqttPort ?? 0, operations: operationsPort ?? 0 };
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }

  /** A counter or gauge of /metrics, summed over the samples whose labels include the given ones. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.metrics())(name, labels);
  }

  /** All of /metrics at one moment; what is returned reads one of them, as {@link metric} does. */
  async metrics(): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.operations}/metrics`);
    const lines = (await answer.text()).split("\n");
    return (name, labels = {}) => {
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      return lines
        .filter(
          (line) =>
            (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) &&
            wanted.every((label) => line.includes(label)),
        )
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
