import { writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { RigError } from "../rig/errors.ts";
import { type CommandResult, type RunOptions, runCommand } from "../rig/run-command.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";
import { type ApiAnswer, ApiRequests } from "./api-request.ts";
import { type AssetOptions, type Assets, findAssets } from "./assets.ts";
import type { Authority, CertificateRequest, KeyPair } from "./authority.ts";
import { ComponentGroup } from "./component-group.ts";
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
  readonly #authority: Authority;
  readonly #ports: Ports;
  readonly #options: ControlPlaneOptions;
  readonly #requests: ApiRequests;
  readonly #temporary: TemporaryFolder;
  readonly #components: ComponentGroup;
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
    this.#ports = ports;
    this.#temporary = temporary;
    this.#authority = credentials.authority;
    this.#requests = new ApiRequests(this.caPem, credentials.admin);
    this.#components = new ComponentGroup({
      paths: assets,
      folder: this.folder,
      requests: this.#requests,
      readyTimeoutMs: options.readyTimeoutMs,
      signal: options.signal,
      onLine: options.onLine,
    });
    this.failed = this.#components.failed;
    this.#options = options;
  }

  /** "http://127.0.0.1:23457": etcd's client API, its JSON gateway included; without authentication. */
  get etcdUrl(): string {
    return `http://127.0.0.1:${this.#ports.etcdClient}`;
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

  /**
   * Returns when the controllers run, about 5 s after the start: the controller manager makes a ServiceAccount for
   * each of them first, at 20 requests/s. Until then nobody fills new namespaces, watches Nodes, or collects garbage.
   */
  async settled(): Promise<void> {
    await this.#components.waitFor("kube-controller-manager", "the controllers to run", async () => {
      const answer = await this.request("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt");
      return answer.status === 200;
    });
  }

  /**
   * Ends the API server as a crash does (SIGKILL) and returns when it is gone.
   * Waits for {@link settled} first: a controller manager that loses it while it starts gives up.
   */
  async killApiServer(): Promise<void> {
    if (this.#components.isRunning("kube-apiserver")) await this.settled();
    await this.#components.kill("kube-apiserver");
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
    await this.#components.killAll();
    this.#requests[Symbol.dispose]();
    await this.#temporary[Symbol.asyncDispose]();
  }

  async #startAll(): Promise<void> {
    const { folder } = this;
    const ports = this.#ports;
    const options = this.#options;
    // The API server waits for etcd by itself.
    this.#components.start("etcd", etcdFlags(folder, ports));
    await this.#startApiServer();
    await this.#makeFirstObjects();
    this.#components.start("kube-controller-manager", controllerManagerFlags(folder, ports, options));
    const healthy = [
      this.#components.waitHealthy("kube-controller-manager", ports.controllerManager, "/healthz"),
    ];
    if (options.scheduler ?? true) {
      this.#components.start("kube-scheduler", schedulerFlags(folder, ports, options));
      healthy.push(this.#components.waitHealthy("kube-scheduler", ports.scheduler, "/healthz"));
    }
    await Promise.all(healthy);
  }

  async #startApiServer(): Promise<void> {
    const flags = apiServerFlags(this.folder, this.#ports, this.#options);
    this.#components.start("kube-apiserver", flags);
    await this.#components.waitHealthy("kube-apiserver", this.#ports.apiServer, "/readyz");
  }

  /**
   * What kubeadm's bootstrap does, the API server may call the kubelet API and nothing else; and the ServiceAccount
   * without which no Pod can be made, for which the controller manager would take 5 s.
   */
  async #makeFirstObjects(): Promise<void> {
    const rbac = "rbac.authorization.k8s.io";
    await this.#make(`/apis/${rbac}/v1/clusterrolebindings`, {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: kubeletClientUser },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "system:kubelet-api-admin" },
      subjects: [{ apiGroup: rbac, kind: "User", name: kubeletClientUser }],
    });
    await this.#make("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  }

  async #make(apiPath: string, object: unknown): Promise<void> {
    const answer = await this.request("POST", apiPath, object);
    if (answer.status === 201) return;
    throw new RigError("API_REFUSED", `cannot make one of ${apiPath}: ${JSON.stringify(answer.body)}`);
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
 * and scheduler, and returns when all are ready and the default ServiceAccount exists. The controllers take a few seconds
 * more, see {@link ControlPlane.settled}.
 * @throws RigError NOT_READY or PROCESS_ENDED with the component's last lines, and what `findAssets` throws
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  return await ControlPlane.start(options);
}
