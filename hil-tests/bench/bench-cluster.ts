import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import { kubeconfigCredentials } from "../../gateway/src/kubeapi/kubeconfig.ts";
import { listPages } from "../../gateway/src/kubeapi/list-pages.ts";
import type { KubeList, KubeObject } from "../../gateway/src/kubeapi/objects.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { FleetMember } from "../rig/boards/reference-board.ts";
import { RigError } from "../rig/errors.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import { gatewayAccount, gatewayNamespace, install } from "../rig/installation.ts";
import type { RunningProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { processesWith } from "./cpu-account.ts";
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

/** How devices reach the gateway. */
export type Security = "plain" | "tls";

export interface FleetOptions {
  /** Default plain. */
  readonly security?: Security;
  /** Devices that are switched on in a second; default: all at once. */
  readonly startsPerSecond?: number;
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

  /**
   * Starts a gateway of the rights that the installation gives.
   * @param flags of node, e.g. --cpu-prof
   * @param security of its only listener for MQTT
   */
  async startGateway(flags: readonly string[] = [], security: Security = "plain"): Promise<GatewayProcess> {
    const settings = {
      ...(security === "tls" ? await this.#tlsSettings() : {}),
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
        if (found.length < wanted.size)
          throw new RigError("NOT_READY", `there are ${found.length} of ${wanted.size}`);
        return found;
      },
      { deadlineMs: 300_000, intervalMs: 1_000, what: `${names.length} identities` },
    );
    // The gateway's writes about the new Devices are no part of what their hello costs.
    await waitFor(
      async () => {
        const without = (await this.#list<WaitingDevice>(devicesPath)).filter(({ status }) => !status?.phase);
        if (without.length > 0) throw new RigError("NOT_READY", `${without.length} have no phase`);
        return true;
      },
      { deadlineMs: 300_000, intervalMs: 1_000, what: `${names.length} Devices to be Pending` },
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

  /** A process that emulates these devices after the line `go`. */
  async prepareFleet(
    mqttPort: number,
    members: readonly FleetMember[],
    { security = "plain", startsPerSecond = 100_000 }: FleetOptions = {},
  ): Promise<RunningProcess> {
    const file = path.join(this.plane.folder, `fleet-${++this.#stores}.json`);
    writeFileSync(file, JSON.stringify(members), { mode: 0o600 });
    const pace = String(startsPerSecond);
    const args =
      security === "tls"
        ? [`mqtts://127.0.0.1:${mqttPort}`, file, pace, this.#writeFile("ca.pem", this.plane.caPem)]
        : [`mqtt://127.0.0.1:${mqttPort}`, file, pace];
    return (await startScript("fleet", args)).process;
  }

  /**
   * Deletes the objects of a collection, one by one: the API server takes longer for a whole collection than it gives an
   * answer time.
   */
  async removeAll(collection: string, labelSelector?: string): Promise<void> {
    const objects = await this.#list(collection, labelSelector);
    await inParallel(objects, workers, ({ metadata }) => this.kube.delete(`${collection}/${metadata.name}`));
  }

  /** Users of the processor on the cluster's side. */
  servers(): ReadonlyMap<string, number> {
    return processesWith(this.plane.folder);
  }

  async nodesGone(): Promise<void> {
    await this.#gone("/api/v1/nodes");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kube[Symbol.asyncDispose]();
    await this.plane.stop();
  }

  #stores = 0;

  async #tlsSettings(): Promise<Readonly<Record<string, string>>> {
    const pair = await this.plane.issueCertificate({
      commonName: "motelet-mqtt",
      usage: "server",
      hosts: ["127.0.0.1"],
    });
    return {
      "mqtt.enabled": "false",
      "mqtt.tls.enabled": "true",
      "mqtt.tls.host": "127.0.0.1",
      "mqtt.tls.port": "0",
      "mqtt.tls.certFile": this.#writeFile("mqtt.crt", pair.certificate),
      "mqtt.tls.keyFile": this.#writeFile("mqtt.key", pair.key),
    };
  }

  #writeFile(name: string, text: string): string {
    const file = path.join(this.plane.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  async #gone(collection: string): Promise<void> {
    await waitFor(
      async () =>
        (await this.kube.get<KubeList<KubeObject>>(collection, { query: { limit: 1 } })).items.length === 0,
      {
        deadlineMs: 600_000,
        intervalMs: 500,
        what: `${collection} to be empty`,
      },
    );
  }

  async #list<T extends KubeObject>(collection: string, labelSelector?: string): Promise<T[]> {
    const items: T[] = [];
    const query = { limit: 1_000, labelSelector };
    for await (const page of listPages<T>(this.kube, collection, { query })) items.push(...page.items);
    return items;
  }
}

/** Bytes of a process that are in memory. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
