import type { DeviceSpec } from "../devices/device.ts";
import { messageOf, UnavailableError } from "../foundation/errors.ts";
import { ignoreGone, isAlreadyExists, isNotFound } from "../kubeapi/errors.ts";
import { deviceUidAnnotation } from "../resources/labels.ts";
import {
  buildLease,
  type Lease,
  leaseDurationS,
  leasesPath,
  nextRenewalMs,
  renewLease,
} from "../resources/lease.ts";
import type { Node } from "../resources/node.ts";
import type { MirrorContext } from "./context.ts";
import { LeaseTimers } from "./lease-timers.ts";
import { isServedNode } from "./ownership.ts";

type Context = Pick<
  MirrorContext,
  "kube" | "leaseKube" | "leasePlaces" | "clock" | "log" | "nodes" | "namespaces" | "metrics"
>;

/** As a kubelet's: a quarter of what the Lease lasts. */
const deadlineMs = leaseDurationS * 250;

/**
 * Renews the Lease of every Node that motelet owns, whether its device is online or not: the Lease shows that motelet
 * manages the Node, Ready shows the state of the device. If a Lease expires, the Node becomes Unknown. So renewals wait
 * for nothing else: they have their own timers, connections and deadlines.
 */
export class LeaseController implements AsyncDisposable {
  readonly #context: Context;
  readonly #random: () => number;
  readonly #timers: LeaseTimers;
  /** UIDs of Nodes whose Leases are being kept. */
  readonly #kept = new Map<string, string | undefined>();
  readonly #leases = new Map<string, Lease>();
  /** Names of Nodes that existed at the start, until their Lease was read. */
  readonly #inherited = new Set<string>();
  /** When each Lease was last written, monotonic. */
  readonly #writtenAtMs = new Map<string, number>();
  readonly #renewals;
  readonly #failures;
  readonly #late;
  #nodesKnown = false;

  constructor(context: Context, random: () => number = Math.random) {
    this.#context = context;
    this.#random = random;
    const { metrics, clock } = context;
    this.#renewals = metrics.counter("motelet_lease_renewals_total", "Leases renewed");
    this.#failures = metrics.counter(
      "motelet_lease_failures_total",
      "Renewals of Leases that failed and were tried again",
    );
    this.#late = metrics.counter(
      "motelet_leases_lapsed_total",
      "Leases that lapsed before they were renewed",
    );
    this.#timers = new LeaseTimers({
      clock,
      random,
      places: context.leasePlaces,
      deadlineMs,
      renew: (name, signal) => this.#reconcile(name, signal),
      failed: (name, failures, error) => this.#reportFailure(name, failures, error),
    });
    metrics.gauge(
      "motelet_lease_overdue_seconds",
      "How long the most urgent Lease has been due for its renewal",
      [],
      (overdue) => overdue.set(this.#timers.overdueMs / 1000),
    );
    context.nodes.changes.subscribe((name) => {
      const node = context.nodes.get(name);
      const uid = node && isServedNode(node, context.namespaces) ? node.metadata.uid : undefined;
      if (uid === this.#kept.get(name)) return;
      if (uid === undefined) this.#kept.delete(name);
      else this.#kept.set(name, uid);
      const inherited = !this.#nodesKnown && uid !== undefined;
      if (inherited) this.#inherited.add(name);
      this.#timers.wake(name, inherited);
    });
  }

  /** Milliseconds for which the most urgent Lease has been due. */
  get overdueMs(): number {
    return this.#timers.overdueMs;
  }

  /** Starts to renew. */
  start(): void {
    this.#timers.start();
  }

  /** Stops renewing and aborts renewals in progress. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#timers[Symbol.asyncDispose]();
  }

  /** All Nodes have been read: a Node that appears later is new and most likely has no Lease. */
  nodesKnown(): void {
    this.#nodesKnown = true;
  }

  /**
   * Renews all Leases once, as the last step of a gateway that stops: its successor has the duration of the Lease to
   * start.
   */
  async renewAll(signal: AbortSignal): Promise<void> {
    const nodes = [...this.#kept.keys()]
      .map((name) => this.#context.nodes.get(name))
      .filter((node) => node !== undefined);
    const results = await Promise.allSettled(nodes.map((node) => this.#renew(node, signal)));
    const failed = results.filter(({ status }) => status === "rejected").length;
    if (failed > 0) this.#context.log.warn({ failed, nodes: nodes.length }, "leases not renewed at the end");
  }

  /** Deletes the Lease of a device's own Node. */
  async remove(spec: DeviceSpec, signal: AbortSignal): Promise<void> {
    const { kube, nodes } = this.#context;
    // The name may be another device's: a Lease that is not found here goes with its Node.
    if (nodes.get(spec.nodeName)?.metadata.annotations?.[deviceUidAnnotation] !== spec.uid) return;
    this.#kept.delete(spec.nodeName);
    this.#leases.delete(spec.nodeName);
    this.#writtenAtMs.delete(spec.nodeName);
    await ignoreGone(kube.delete(`${leasesPath}/${spec.nodeName}`, undefined, { signal }));
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    const node = this.#context.nodes.get(name);
    if (!node || !this.#kept.has(name)) {
      this.#leases.delete(name);
      this.#inherited.delete(name);
      this.#writtenAtMs.delete(name);
      return undefined;
    }
    await this.#renew(node, signal);
    return nextRenewalMs(this.#random());
  }

  async #renew(node: Node, signal: AbortSignal): Promise<void> {
    const { name } = node.metadata;
    try {
      this.#leases.set(name, await this.#write(node, signal));
      this.#renewals.inc();
      this.#noteWritten(name);
    } catch (error) {
      // A refusal means that the kept copy is stale: read it next time.
      if (!(error instanceof UnavailableError)) this.#leases.delete(name);
      throw error;
    }
  }

  #noteWritten(name: string): void {
    const nowMs = this.#context.clock.monotonicMs();
    const lastMs = this.#writtenAtMs.get(name);
    this.#writtenAtMs.set(name, nowMs);
    if (lastMs === undefined || nowMs - lastMs <= leaseDurationS * 1000) return;
    this.#late.inc();
    this.#context.log.warn({ node: name, durationMs: Math.round(nowMs - lastMs) }, "lease lapsed");
  }

  #reportFailure(name: string, failures: number, error: unknown): void {
    this.#failures.inc();
    // A first failure is mostly a lost race for a resourceVersion and mends itself.
    if (failures === 3)
      this.#context.log.warn({ node: name, failures, err: messageOf(error) }, "lease not renewed");
  }

  /** Guesses whether an unknown Lease exists: a wrong guess costs a request or two, reading costs one each time. */
  async #write(node: Node, signal: AbortSignal): Promise<Lease> {
    const { leaseKube: kube, clock } = this.#context;
    const { name } = node.metadata;
    const kept = this.#leases.get(name);
    const known = kept ?? (this.#inherited.delete(name) ? await this.#read(name, signal) : undefined);
    if (known) return this.#replace(node, known, signal);
    try {
      return await kube.create<Lease>(leasesPath, buildLease(node, clock.wallMs()), { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return this.#replace(node, await kube.get<Lease>(`${leasesPath}/${name}`, { signal }), signal);
  }

  /** Renews the existing Lease, or replaces that of an earlier Node. */
  async #replace(node: Node, known: Lease, signal: AbortSignal): Promise<Lease> {
    const { leaseKube: kube, clock } = this.#context;
    const path = `${leasesPath}/${node.metadata.name}`;
    const renewed = renewLease(known, node, clock.wallMs());
    if (renewed) return kube.replace<Lease>(path, renewed, { signal });
    await ignoreGone(kube.delete(path, undefined, { signal }));
    return kube.create<Lease>(leasesPath, buildLease(node, clock.wallMs(), known), { signal });
  }

  async #read(name: string, signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#context.leaseKube.get<Lease>(`${leasesPath}/${name}`, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
