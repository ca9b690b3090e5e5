import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import { kubeconfigCredentials } from "../../gateway/src/kubeapi/kubeconfig.ts";
import type { KubeList, KubeObject } from "../../gateway/src/kubeapi/objects.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { FleetMember } from "../rig/boards/reference-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import { gatewayAccount, gatewayNamespace, install } from "../rig/installation.ts";
import type { RunningProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { startScript } from "./line-process.ts";
import { inParallel } from "./parallel.ts";

/** Requests at once of what only prepares a measurement. */
const workers = 8;
export const devicesPath = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";
export const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const secretsPath = "/api/v1/namespaces/default/secrets";

interface IdentitySecret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface WaitingDevice extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** A control plane with motelet's rights installed, an administrator's client, and a log of who asked it what. */
export class BenchCluster implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly kube: HttpKubeClient;
  readonly kubeconfig: string;

  private constructor(plane: ControlPlane, kube: HttpKubeClient, kubeconfig: string) {
    this.plane = plane;
    this.kube = kube;
    this.kubeconfig = kubeconfig;
  }

  /** @param auditLogPath one JSON line for each request */
  static async start(
    auditLogPath: string,
    extraApiServerFlags: readonly string[] = [],
  ): Promise<BenchCluster> {
    const plane = await startControlPlane({ auditLogPath, extraApiServerFlags });
    await install(plane);
    await plane.settled();
    const token = await plane.serviceAccountToken(gatewayNamespace, gatewayAccount, 86_400);
    const credentials = await kubeconfigCredentials(plane.adminKubeconfigPath);
    const kube = new HttpKubeClient({
      credentials,
      clock: systemClock,
      metrics: new Metrics(),
      connections: workers,
    });
    return new BenchCluster(plane, kube, await plane.kubeconfigForToken(token));
  }

  /** Starts a gateway of the rights that the installation gives. */
  async startGateway(flags: readonly string[] = []): Promise<GatewayProcess> {
    const settings = {
      "store.path": path.join(this.plane.folder, `store-${++this.#stores}.db`),
    };
    const gateway = new GatewayProcess({ kubeconfig: this.kubeconfig, settings, nodeFlags: flags });
    await gateway.start();
    return gateway;
  }

  /** Makes the Devices `m<from>` … `m<to - 1>` and waits until they have identities and wait for their hello. */
  async makeDevices(from: number, to: number): Promise<FleetMember[]> {
    const names = Array.from({ length: to - from }, (_, index) => `m${from + index}`);
    await inParallel(names, workers, (name) =>
      this.kube.create(devicesPath, {
        apiVersion: "motelet.dev/v1alpha1",
        kind: "Device",
        metadata: { name, namespace: "default" },
      }),
    );
    const wanted = new Set(names.map((name) => `${name}-identity`));
    const secrets = await waitFor(
      async () => {
        const found = (await this.#list<IdentitySecret>(secretsPath)).filter(({ metadata }) =>
          wanted.has(metadata.name),
        );
        return found.length === wanted.size && found;
      },
      { deadlineMs: 120_000, intervalMs: 1_000, what: `${names.length} identities` },
    );
    // The gateway's writes about the new Devices are no part of what their hello costs.
    await waitFor(
      async () => (await this.#list<WaitingDevice>(devicesPath)).every(({ status }) => status?.phase),
      { deadlineMs: 120_000, intervalMs: 1_000, what: `${names.length} Devices to be Pending` },
    );
    return secrets.map(({ metadata, data = {} }) => {
      const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
      const identity = {
        wireId: text("wireId"),
        generation: Number(text("generation")),
        password: text("password"),
      };
      return { name: metadata.name.replace(/-identity$/, ""), board: "bench", ...identity };
    });
  }

  /** A process that plays these devices when it is told `go`. */
  async prepareFleet(mqttPort: number, members: readonly FleetMember[]): Promise<RunningProcess> {
    const file = path.join(this.plane.folder, `fleet-${++this.#stores}.json`);
    writeFileSync(file, JSON.stringify(members), { mode: 0o600 });
    return (await startScript("fleet", [`mqtt://127.0.0.1:${mqttPort}`, file])).process;
  }

  /** Deletes all Devices, with a gateway that takes their Nodes along, and waits until they are gone. */
  async removeDevices(): Promise<void> {
    await this.removeAll(devicesPath, {});
    await this.#gone(devicesPath);
    await this.#gone("/api/v1/nodes");
  }

  /** Deletes every object of a collection that a label selects. */
  async removeAll(collection: string, query: Readonly<Record<string, string>>): Promise<void> {
    await this.kube.delete(collection, undefined, { query });
  }

  async nodesGone(): Promise<void> {
    await this.#gone("/api/v1/nodes");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kube[Symbol.asyncDispose]();
    await this.plane.stop();
  }

  #stores = 0;

  async #gone(collection: string): Promise<void> {
    await waitFor(async () => (await this.#list(collection, 1)).length === 0, {
      deadlineMs: 180_000,
      intervalMs: 500,
      what: `${collection} to be empty`,
    });
  }

  async #list<T extends KubeObject>(collection: string, limit = 1000): Promise<T[]> {
    const items: T[] = [];
    let page: KubeList<T> | undefined;
    do {
      const query = { limit, continue: page?.metadata.continue || undefined };
      page = await this.kube.get<KubeList<T>>(collection, { query });
      items.push(...page.items);
    } while (limit > 1 && page.metadata.continue);
    return items;
  }
}

/** Bytes of a process that are in memory. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
