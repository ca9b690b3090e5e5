import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { BeatMessage } from "@motelet/profiles";
import { type DeviceState, FaultyLink, MqttLink, ReferenceDevice } from "@motelet/reference";
import { systemClock } from "../../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../../gateway/src/kubeapi/client.ts";
import { kubeconfigCredentials } from "../../../gateway/src/kubeapi/kubeconfig.ts";
import { listPages } from "../../../gateway/src/kubeapi/list-pages.ts";
import type { KubeObject } from "../../../gateway/src/kubeapi/objects.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "../../control-plane/control-plane.ts";
import { RigError } from "../errors.ts";
import { GatewayProcess, type GatewayProcessOptions } from "../gateway-process.ts";
import { apply, gatewayAccount, gatewayNamespace, install, type WireIdentity } from "../installation.ts";
import { waitFor } from "../wait.ts";
import { makeTemporaryFolder } from "../watchdog.ts";
import { ObservedLink } from "../wire/observed-link.ts";
import { TcpProxy } from "../wire/tcp-proxy.ts";
import { ReadyWatch } from "./ready-watch.ts";

export interface NodePlaneOptions {
  readonly controlPlane?: ControlPlaneOptions;
  readonly settings?: Readonly<Record<string, string>>;
  /** Puts {@link NodePlane.apiProxy} between gateway and API server. It runs in this process: with many devices here it is slow. */
  readonly proxied?: boolean;
  /** Keeps an audit log at {@link NodePlane.auditLogPath}. */
  readonly audit?: boolean;
  /** Namespaces in addition to default that are created and served, with their labels. */
  readonly tenants?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Further flags of the gateway's node. */
  readonly nodeFlags?: readonly string[];
  readonly onLine?: GatewayProcessOptions["onLine"];
}

/** A device of this process, on MQTT, that can hang, and whose words are watched. */
export interface RigDevice {
  readonly name: string;
  readonly device: ReferenceDevice;
  readonly link: ObservedLink;
  /** Every state that it has had, with the moment as performance.now() tells it. */
  readonly states: readonly { readonly state: DeviceState; readonly atMs: number }[];
  /** Hangs it (connection open, nothing said or read), until {@link thaw}. */
  freeze(): void;
  thaw(): void;
}

interface IdentitySecret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const apiPaths = {
  devices: (namespace: string) => `/apis/motelet.dev/v1alpha1/namespaces/${namespace}/devices`,
  secrets: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
};

/** Node's flag that makes {@link GatewayProcess} take `step` on stdin. */
export const stepClockFlag = `--import=${fileURLToPath(new URL("../step-clock.ts", import.meta.url))}`;

/** Node's flags that make {@link GatewayProcess} take `collect` on stdin. */
export const collectGarbageFlags = [
  "--expose-gc",
  `--import=${fileURLToPath(new URL("../collect-garbage.ts", import.meta.url))}`,
];

/**
 * A control plane with motelet installed, a gateway process with the ServiceAccount's rights, an administrator's client and a
 * watch of all Nodes. Everything ends with dispose.
 */
export class NodePlane implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly kube: HttpKubeClient;
  readonly gateway: GatewayProcess;
  readonly ready: ReadyWatch;
  readonly auditLogPath: string;
  readonly storePath: string;
  readonly #stack: AsyncDisposableStack;
  readonly #apiProxy: TcpProxy | undefined;
  #collections = 0;

  private constructor(
    parts: Pick<NodePlane, "plane" | "kube" | "gateway" | "ready" | "auditLogPath" | "storePath">,
    apiProxy: TcpProxy | undefined,
    stack: AsyncDisposableStack,
  ) {
    this.plane = parts.plane;
    this.kube = parts.kube;
    this.gateway = parts.gateway;
    this.ready = parts.ready;
    this.#apiProxy = apiProxy;
    this.auditLogPath = parts.auditLogPath;
    this.storePath = parts.storePath;
    this.#stack = stack;
  }

  /** Starts all of it; the gateway serves. */
  static async start(options: NodePlaneOptions = {}): Promise<NodePlane> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(makeTemporaryFolder("motelet-node-plane-"));
    const auditLogPath = path.join(folder.path, "audit.jsonl");
    const storePath = path.join(folder.path, "gateway.db");
    const audit = options.audit ? { auditLogPath } : {};
    const plane = stack.use(await startControlPlane({ ...options.controlPlane, ...audit }));
    await install(plane);
    const tenants = Object.entries(options.tenants ?? {});
    for (const [name, labels] of tenants) await apply(plane, tenantManifest(name, labels));
    const namespaces = ["default", ...tenants.map(([name]) => name)].join(",");
    await plane.settled();
    const apiProxy = options.proxied
      ? stack.use(await TcpProxy.start(Number(new URL(plane.url).port)))
      : undefined;
    const token = await plane.serviceAccountToken(gatewayNamespace, gatewayAccount, 86_400);
    const kubeconfig = await plane.kubeconfigForToken(token);
    const gateway = stack.use(
      new GatewayProcess({
        kubeconfig: apiProxy ? await throughProxy(kubeconfig, plane.url, apiProxy.port) : kubeconfig,
        settings: { "store.path": storePath, "kubernetes.namespaces": namespaces, ...options.settings },
        nodeFlags: options.nodeFlags ?? [],
        ...(options.onLine ? { onLine: options.onLine } : {}),
      }),
    );
    const credentials = await kubeconfigCredentials(plane.adminKubeconfigPath);
    const kube = stack.use(new HttpKubeClient({ credentials, clock: systemClock, metrics: new Metrics() }));
    const ready = stack.use(await ReadyWatch.start(kube));
    await gateway.start();
    const parts = { plane, kube, gateway, ready, auditLogPath, storePath };
    return new NodePlane(parts, apiProxy, stack.move());
  }

  /** Between gateway and API server. @throws RigError NOT_STARTED where this plane is not `proxied` */
  get apiProxy(): TcpProxy {
    if (!this.#apiProxy) throw new RigError("NOT_STARTED", "this plane has no proxy to the API server");
    return this.#apiProxy;
  }

  /** Makes Devices and waits for their identities, in the order of the names. */
  async makeDevices(names: readonly string[], namespace = "default"): Promise<WireIdentity[]> {
    const path = apiPaths.devices(namespace);
    for (let from = 0; from < names.length; from += 8) {
      const some = names.slice(from, from + 8);
      await Promise.all(
        some.map((name) =>
          this.kube.create(path, {
            apiVersion: "motelet.dev/v1alpha1",
            kind: "Device",
            metadata: { name, namespace },
          }),
        ),
      );
    }
    return await waitFor(
      async () => {
        const secrets = new Map(
          (await this.list<IdentitySecret>(apiPaths.secrets(namespace))).map((secret) => [
            secret.metadata.name,
            secret,
          ]),
        );
        const identities = names.flatMap((name) => identityIn(secrets.get(`${name}-identity`)) ?? []);
        return identities.length === names.length && identities;
      },
      { deadlineMs: 120_000, intervalMs: 500, what: `${names.length} identities in ${namespace}` },
    );
  }

  /** Devices of these names in this process; they are stopped with this plane. `device.start()` is the caller's. */
  rigDevice(
    name: string,
    identity: WireIdentity,
    options: { readonly port?: number; readonly beat?: (beat: BeatMessage) => BeatMessage } = {},
  ): RigDevice {
    const { wireId, generation, password } = identity;
    const url = `mqtt://127.0.0.1:${options.port ?? this.gateway.ports.mqtt}`;
    const link = new ObservedLink(
      new MqttLink({ url, wireId, generation, password, compact: true }),
      options.beat,
    );
    const faulty = new FaultyLink(link, {}, 1);
    const states: { state: DeviceState; atMs: number }[] = [];
    const onState = (state: DeviceState) => void states.push({ state, atMs: performance.now() });
    const device = new ReferenceDevice({ name, link: faulty, onState });
    this.#stack.defer(() => device.stop());
    return {
      name,
      device,
      link,
      states,
      freeze: () => faulty.freeze(0x7fff_ffff),
      // The end of a freeze is its timer.
      thaw: () => faulty.freeze(1),
    };
  }

  /** Makes Devices, starts a device for each, and returns when their Nodes are Ready. */
  async bringUp(
    names: readonly string[],
    options: {
      readonly namespace?: string;
      /** Where each finds the broker; default: the gateway's own port. */
      readonly port?: (name: string) => number | undefined;
      /** What becomes of each one's beats. */
      readonly beat?: (name: string) => ((beat: BeatMessage) => BeatMessage) | undefined;
      readonly deadlineMs?: number;
    } = {},
  ): Promise<RigDevice[]> {
    const { namespace = "default" } = options;
    const nodes = namespace === "default" ? names : names.map((name) => `${namespace}.${name}`);
    const identities = await this.makeDevices(names, namespace);
    const devices = names.map((name, index) => {
      const beat = options.beat?.(name);
      const port = options.port?.(name);
      const identity = identities[index] as WireIdentity;
      return this.rigDevice(name, identity, { ...(beat ? { beat } : {}), ...(port ? { port } : {}) });
    });
    for (const { device } of devices) await device.start();
    await this.ready.all(nodes, "True", options.deadlineMs ?? 60_000);
    return devices;
  }

  /** All objects of a collection. */
  async list<T extends KubeObject>(collection: string): Promise<T[]> {
    const items: T[] = [];
    for await (const page of listPages<T>(this.kube, collection)) items.push(...page.items);
    return items;
  }

  /** Moves the gateway's time of day; needs {@link stepClockFlag}. */
  async stepGatewayClock(byMs: number): Promise<void> {
    this.gateway.process.stdin.write(`step ${byMs}\n`);
    await this.gateway.process.waitForLine(/^clock stepped/, { deadlineMs: 5_000 });
  }

  /** Makes the gateway collect its garbage; needs {@link collectGarbageFlags}. @returns bytes of its heap in use */
  async collectGatewayGarbage(): Promise<number> {
    const number = ++this.#collections;
    this.gateway.process.stdin.write(`collect ${number}\n`);
    const said = new RegExp(`^collected ${number}: (\\d+) bytes`);
    const [, bytes] = await this.gateway.process.waitForLine(said, { deadlineMs: 20_000 });
    return Number(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A namespace and the binding that lets the gateway serve it. */
function tenantManifest(name: string, labels: Readonly<Record<string, string>>): string {
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "motelet-gateway-tenant", namespace: name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "motelet-gateway-tenant" },
    subjects: [{ kind: "ServiceAccount", name: gatewayAccount, namespace: gatewayNamespace }],
  };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  return `${JSON.stringify(namespace)}\n---\n${JSON.stringify(binding)}\n`;
}

function identityIn(secret: IdentitySecret | undefined): WireIdentity | undefined {
  if (!secret?.data?.wireId) return undefined;
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? "", "base64").toString();
  return { wireId: text("wireId"), generation: Number(text("generation")), password: text("password") };
}

/** The same credentials, to the API server by way of a proxy: its certificate is for the address, whatever the port. */
async function throughProxy(kubeconfig: string, url: string, port: number): Promise<string> {
  const file = `${kubeconfig}.proxied`;
  const text = (await readFile(kubeconfig, "utf8")).replaceAll(url, `https://127.0.0.1:${port}`);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
