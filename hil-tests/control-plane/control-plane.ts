import { writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { RigError } from "../rig/errors.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { type CommandResult, type RunOptions, runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";
import { type ApiAnswer, ApiRequests } from "./api-request.ts";
import { type AssetOptions, type Assets, findAssets } from "./assets.ts";
import type { Authority, CertificateRequest, KeyPair } from "./authority.ts";
import {
  apiServerFlags,
  type ComponentOptions,
  controllerManagerFlags,
  etcdFlags,
  files,
  type Ports,
  schedulerFlags,
} from "./components.ts";
import { kubeletClientUser, writeCredentialFiles } from "./credential-files.ts";
import { freePorts } from "./free-ports.ts";
import { type Credentials, formatKubeconfig } from "./kubeconfig.ts";

export interface ControlPlaneOptions extends ComponentOptions, AssetOptions {
  /** Default true. */
  readonly scheduler?: boolean;
  /** Called with each line that a component says. */
  readonly onLine?: (component: string, line: string) => void;
  /** Milliseconds that a component may take until it is ready; default 60,000. */
  readonly readyTimeoutMs?: number;
}

export interface KubectlOptions extends RunOptions {
  /** Path; default: the administrator's. */
  readonly kubeconfig?: string;
}

type Component = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

/** Ports are found free before they are bound; another process may be faster. */
const startAttempts = 3;

/**
 * A Kubernetes control plane of processes of this machine, on loopback ports, with its data in a folder that goes
 * with it. It has no kubelet and no network: Nodes are what a test brings.
 * Everything ends with {@link stop}, with dispose, and when this process ends, by SIGKILL too.
 */
export class ControlPlane implements AsyncDisposable {
  /** "https://127.0.0.1:23456". */
  readonly url: string;
  /** The authority of the API server's certificate and of client certificates. */
  readonly caPem: string;
  readonly adminKubeconfigPath: string;
  readonly kubectlPath: string;
  /** Everything of this run is in it; it goes with it. */
  readonly folder: string;
  /** Resolves when a component ends that nobody ended, with its last lines. */
  readonly failed: Promise<RigError>;
  readonly #assets: Assets;
  readonly #authority: Authority;
  readonly #ports: Ports;
  readonly #options: ControlPlaneOptions;
  readonly #requests: ApiRequests;
  readonly #temporary: TemporaryFolder;
  readonly #running = new Map<Component, RunningProcess>();
  readonly #fail: (error: RigError) => void;
  #kubeconfigs = 0;
  #stopped: Promise<void> | undefined;

  private constructor(
    assets: Assets,
    ports: Ports,
    temporary: TemporaryFolder,
    credentials: { authority: Authority; admin: KeyPair },
    options: ControlPlaneOptions,
  ) {
    this.url = urlOf(ports);
    this.folder = temporary.path;
    this.caPem = credentials.authority.certificate;
    this.adminKubeconfigPath = path.join(temporary.path, files.adminKubeconfig);
    this.kubectlPath = assets.kubectl;
    const failure = Promise.withResolvers<RigError>();
    this.failed = failure.promise;
    this.#fail = failure.resolve;
    this.#assets = assets;
    this.#ports = ports;
    this.#temporary = temporary;
    this.#authority = credentials.authority;
    this.#requests = new ApiRequests(this.caPem, credentials.admin);
    this.#options = options;
  }

  /** See {@link startControlPlane}. */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const assets = await findAssets(options);
    for (let attempt = 1; ; attempt++) {
      const [etcdClient = 0, etcdPeer = 0, apiServer = 0, controllerManager = 0, scheduler = 0] =
        await freePorts(5);
      const ports: Ports = { etcdClient, etcdPeer, apiServer, controllerManager, scheduler };
      const temporary = makeTemporaryFolder("motelet-cluster-");
      let controlPlane: ControlPlane | undefined;
      try {
        const credentials = await writeCredentialFiles(temporary.path, urlOf(ports), options);
        controlPlane = new ControlPlane(assets, ports, temporary, credentials, options);
        await controlPlane.#startAll();
        return controlPlane;
      } catch (error) {
        await (controlPlane ?? temporary)[Symbol.asyncDispose]();
        const portWasTaken = error instanceof RigError && /address already in use/.test(error.message);
        if (!portWasTaken || attempt === startAttempts) throw error;
      }
    }
  }

  /** A kubeconfig file for a user of these groups, who shows a client certificate. RBAC rights are the caller's to give. */
  async kubeconfigFor(user: string, groups: readonly string[] = []): Promise<string> {
    const pair = await this.issueCertificate({ commonName: user, organizations: groups, usage: "client" });
    return await this.#writeKubeconfig(user, pair);
  }

  /** A kubeconfig file that shows this token. */
  async kubeconfigForToken(token: string): Promise<string> {
    return await this.#writeKubeconfig("token", { token });
  }

  /**
   * A token of a ServiceAccount that exists.
   * @param expirationS seconds it is good for, at least 600; default 3,600
   * @throws RigError API_REFUSED
   */
  async serviceAccountToken(namespace: string, name: string, expirationS = 3600): Promise<string> {
    const answer = await this.request(
      "POST",
      `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { expirationSeconds: expirationS },
      },
    );
    const token = (answer.body as { status?: { token?: string } }).status?.token;
    if (token) return token;
    const said = JSON.stringify(answer.body);
    throw new RigError("API_REFUSED", `no token for ${namespace}/${name}: status ${answer.status}: ${said}`);
  }

  /** A certificate of the cluster's authority: a client's, or a kubelet's serving certificate. */
  async issueCertificate(request: CertificateRequest): Promise<KeyPair> {
    return await this.#authority.issue(request);
  }

  /**
   * One request to the API server as administrator; any status is an answer.
   * @param apiPath "/api/v1/nodes"
   * @throws RigError API_UNREACHABLE
   */
  async request(method: string, apiPath: string, body?: unknown): Promise<ApiAnswer> {
    return await this.#requests.send(method, `${this.url}${apiPath}`, body === undefined ? {} : { body });
  }

  /** Runs kubectl to its end; its discovery cache is in this run's folder and the user's kuberc does not count. */
  async kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<CommandResult> {
    const { kubeconfig = this.adminKubeconfigPath, ...rest } = options;
    return await runCommand(this.kubectlPath, args, {
      ...rest,
      env: { ...this.kubectlEnvironment(kubeconfig), ...options.env },
    });
  }

  /** The environment in which {@link kubectl} runs: for a kubectl that is started in the background. */
  kubectlEnvironment(kubeconfig: string = this.adminKubeconfigPath): NodeJS.ProcessEnv {
    return {
      ...process.env,
      KUBECONFIG: kubeconfig,
      KUBECACHEDIR: path.join(this.folder, "kubectl-cache"),
      KUBERC: "off",
    };
  }

  /** Ends the API server as a crash does (SIGKILL) and returns when it is gone. */
  async killApiServer(): Promise<void> {
    const apiServer = this.#running.get("kube-apiserver");
    this.#running.delete("kube-apiserver");
    await apiServer?.stop({ graceMs: 0 });
  }

  /** Starts the API server again, on the same port and data, and returns when it is ready. */
  async restartApiServer(): Promise<void> {
    await this.killApiServer();
    await this.#startApiServer();
  }

  /** Ends all components and removes the folder. Repeated calls wait for the same end. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    // Their data goes with them: there is nothing for which a component needed time.
    await Promise.all(running.map((component) => component.stop({ graceMs: 0 })));
    this.#requests[Symbol.dispose]();
    await this.#temporary[Symbol.asyncDispose]();
  }

  async #startAll(): Promise<void> {
    const { folder } = this;
    const ports = this.#ports;
    const options = this.#options;
    // The API server waits for etcd by itself.
    this.#startComponent("etcd", etcdFlags(folder, ports));
    await this.#startApiServer();
    await this.#bindKubeletClient();
    this.#startComponent("kube-controller-manager", controllerManagerFlags(folder, ports, options));
    const healthy = [this.#waitHealthy("kube-controller-manager", ports.controllerManager, "/healthz")];
    if (options.scheduler ?? true) {
      this.#startComponent("kube-scheduler", schedulerFlags(folder, ports, options));
      healthy.push(this.#waitHealthy("kube-scheduler", ports.scheduler, "/healthz"));
    }
    await Promise.all(healthy);
    await this.#waitFor("kube-controller-manager", "the default ServiceAccount", async () => {
      const answer = await this.request("GET", "/api/v1/namespaces/default/serviceaccounts/default");
      return answer.status === 200;
    });
  }

  async #startApiServer(): Promise<void> {
    const flags = apiServerFlags(this.folder, this.#ports, this.#options);
    this.#startComponent("kube-apiserver", flags);
    await this.#waitHealthy("kube-apiserver", this.#ports.apiServer, "/readyz");
  }

  /** What kubeadm's bootstrap does: the API server may call the kubelet API, and nothing else. */
  async #bindKubeletClient(): Promise<void> {
    const rbac = "rbac.authorization.k8s.io";
    const answer = await this.request("POST", `/apis/${rbac}/v1/clusterrolebindings`, {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: kubeletClientUser },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "system:kubelet-api-admin" },
      subjects: [{ apiGroup: rbac, kind: "User", name: kubeletClientUser }],
    });
    if (answer.status === 201) return;
    throw new RigError("API_REFUSED", `cannot bind ${kubeletClientUser}: ${JSON.stringify(answer.body)}`);
  }

  #startComponent(component: Component, flags: readonly string[]): void {
    const { onLine } = this.#options;
    const started = startProcess({
      name: component,
      command: this.#assets[component],
      args: flags,
      cwd: this.folder,
      ...(onLine ? { onLine: (line) => onLine(component, line) } : {}),
    });
    this.#running.set(component, started);
    void started.exited.then(() => {
      if (this.#running.get(component) === started) this.#fail(started.endedError());
    });
  }

  async #waitHealthy(component: Component, port: number, healthPath: string): Promise<void> {
    await this.#waitFor(component, `${component} to be ready`, async () => {
      const answer = await this.#requests.send("GET", `https://127.0.0.1:${port}${healthPath}`, {
        timeoutMs: 2000,
      });
      if (answer.status === 200) return true;
      throw new RigError("NOT_READY", `${healthPath} answers ${answer.status}: ${String(answer.body)}`);
    });
  }

  /** Waits for a condition, and no longer than the component and etcd live. */
  async #waitFor(component: Component, what: string, condition: () => Promise<boolean>): Promise<void> {
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

  async #writeKubeconfig(user: string, credentials: Credentials): Promise<string> {
    const file = path.join(this.folder, `user-${++this.#kubeconfigs}.kubeconfig`);
    await writeFile(file, formatKubeconfig(this.url, this.caPem, user, credentials), { mode: 0o600 });
    return file;
  }
}

function urlOf(ports: Ports): string {
  return `https://127.0.0.1:${ports.apiServer}`;
}

/**
 * Builds what is missing (minutes, once, with progress on stderr), then starts etcd, API server, controller manager
 * and scheduler, and returns when all are ready and the default ServiceAccount exists.
 * @throws RigError NOT_READY or PROCESS_ENDED with the component's last lines, and what `findAssets` throws
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  return await ControlPlane.start(options);
}
