import type { DeviceFacts } from "../../devices/device.ts";
import type { Registry } from "../../devices/registry.ts";
import { ConfigError, messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { KeyValues } from "../../store/key-values.ts";
import type { CertificateSource } from "./certificate-source.ts";
import { PortAllocator } from "./port-allocator.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

/** The open port of one Node. */
export interface NodeListener extends AsyncDisposable {
  useCertificate(certificate: ServingCertificate): void;
}

export interface NodePortsOptions {
  readonly registry: Registry;
  readonly firstPort: number;
  readonly count: number;
  /** The port of the shared listener. */
  readonly sharedPort: number;
  /** Storage for the ports of Nodes. */
  readonly keyValues: KeyValues;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** A source for the certificate of a Node's listener. */
  readonly certificateOf: (nodeName: string) => CertificateSource;
  readonly open: (
    nodeName: string,
    listening: { readonly port: number; readonly certificate: ServingCertificate },
  ) => Promise<NodeListener>;
  /** Called for a Node that no longer has its own port. */
  readonly closed: (nodeName: string) => void;
}

/** A device's Node and what serves it. */
interface Served {
  readonly nodeName: string;
  readonly source: CertificateSource;
  listener: NodeListener | undefined;
  isOver: boolean;
}

const storeKey = "serving-ports/all";

/**
 * Gives each Node its own port and certificate, for API servers that check that a kubelet's certificate names its Node
 * (KEP-4872). A Node keeps its port over restarts. Nodes that get none because the range is full use the shared port.
 */
export class NodePorts implements AsyncDisposable {
  readonly #options: NodePortsOptions;
  readonly #allocator: PortAllocator;
  readonly #served = new Map<string, Served>();
  readonly #taken;
  readonly #without;
  readonly #failures;
  /** Nodes without a free port, so that each is reported once. */
  readonly #waiting = new Set<string>();
  readonly #ports = new Map<string, number>();
  /** Opening makes keys: one after the other. */
  #opening: Promise<void> = Promise.resolve();
  #unsubscribe: (() => void) | undefined;

  /** @throws ConfigError if the range is empty, or contains the shared port */
  constructor(options: NodePortsOptions) {
    const { firstPort, count, sharedPort, keyValues, metrics } = options;
    const lastPort = firstPort + count - 1;
    if (lastPort > 65_535 || (sharedPort >= firstPort && sharedPort <= lastPort))
      throw new ConfigError(
        "KUBELET_NODE_PORTS",
        `ports ${firstPort} to ${lastPort} for Nodes (kubelet.firstNodePort, kubelet.nodePorts): expected at most 65535, and a range without the shared port ${sharedPort}`,
      );
    this.#options = options;
    this.#allocator = new PortAllocator({ firstPort, count }, keyValues.get(storeKey));
    this.#taken = metrics.gauge("motelet_kubelet_node_ports_taken", "Nodes that have a port of their own");
    this.#without = metrics.gauge(
      "motelet_kubelet_node_ports_missing",
      "Nodes that are reached on the shared port because no port of the range is free",
    );
    this.#failures = metrics.counter(
      "motelet_kubelet_node_port_failures_total",
      "Ports of Nodes on which the gateway could not listen",
    );
  }

  /** Port by Node; a Node that is missing uses the shared one. Changes as devices are added and removed. */
  get ports(): ReadonlyMap<string, number> {
    return this.#ports;
  }

  /** Starts to follow the registry; call it before the mirror starts, so that a Node is created with its port. */
  start(): void {
    this.#unsubscribe = this.#options.registry.follow((key) => this.#follow(key));
  }

  /** Resolves when all ports that are being opened are open. */
  get settled(): Promise<void> {
    return this.#opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe?.();
    const all = [...this.#served.values()];
    this.#served.clear();
    await Promise.all(all.map((served) => this.#close(served)));
  }

  #follow(key: string): void {
    const facts = this.#options.registry.get(key);
    const served = this.#served.get(key);
    const nodeName = hasNode(facts) ? facts.spec.nodeName : undefined;
    if (served && served.nodeName === nodeName) return;
    if (served) this.#release(key, served);
    this.#waiting.delete(key);
    if (nodeName !== undefined) this.#serve(key, nodeName);
    this.#count();
  }

  #release(key: string, served: Served): void {
    this.#served.delete(key);
    this.#ports.delete(served.nodeName);
    this.#allocator.release(served.nodeName);
    this.#close(served).catch((error: unknown) =>
      this.#options.log.error({ node: served.nodeName, err: messageOf(error) }, "port of a Node not closed"),
    );
    this.#options.closed(served.nodeName);
    // A Node without a port may get this one.
    const [next] = this.#waiting;
    if (next !== undefined) queueMicrotask(() => this.#follow(next));
  }

  #serve(key: string, nodeName: string): void {
    const { log, registry, certificateOf, keyValues, firstPort, count } = this.#options;
    const port = this.#allocator.take(nodeName);
    if (port === undefined) {
      this.#waiting.add(key);
      log.warn({ node: nodeName, limit: count }, "no port left for a Node of its own, it has the shared one");
      return;
    }
    keyValues.put(storeKey, this.#allocator.toJSON()).catch((error: unknown) => {
      // It keeps its port as long as the gateway runs.
      log.warn({ node: nodeName, port: firstPort, err: messageOf(error) }, "port of a Node not stored");
    });
    this.#ports.set(nodeName, port);
    const served: Served = { nodeName, source: certificateOf(nodeName), listener: undefined, isOver: false };
    this.#served.set(key, served);
    this.#opening = this.#opening
      .then(() => this.#open(served, port))
      .catch((error: unknown) => {
        this.#failures.inc();
        log.warn({ node: nodeName, port, err: messageOf(error) }, "cannot listen on the port of a Node");
        if (served.isOver) return;
        this.#allocator.block(port);
        this.#release(key, served);
        // Takes the next port, and lets the mirror write it.
        registry.learn(key, {});
      });
  }

  async #open(served: Served, port: number): Promise<void> {
    if (served.isOver) return;
    const certificate = await served.source.start((next) => served.listener?.useCertificate(next));
    const listener = await this.#options.open(served.nodeName, { port, certificate });
    if (served.isOver) await listener[Symbol.asyncDispose]();
    else served.listener = listener;
  }

  async #close(served: Served): Promise<void> {
    served.isOver = true;
    served.source[Symbol.dispose]();
    await served.listener?.[Symbol.asyncDispose]();
  }

  #count(): void {
    this.#taken.set(this.#served.size);
    this.#without.set(this.#waiting.size);
  }
}

/** A Device before its device's first hello has no Node. */
function hasNode(facts: DeviceFacts | undefined): facts is DeviceFacts {
  return facts !== undefined && facts.phase !== "Pending";
}
