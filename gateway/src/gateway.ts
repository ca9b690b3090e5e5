import { hostname } from "node:os";
import type { Config } from "./config.ts";
import { DevicePlane } from "./devices/device-plane.ts";
import { Registry } from "./devices/registry.ts";
import { UsageSamples } from "./devices/usage/usage.ts";
import { AdaptiveLimit } from "./foundation/adaptive-limit.ts";
import { systemClock } from "./foundation/clock.ts";
import { delay } from "./foundation/delay.ts";
import { messageOf, UnavailableError } from "./foundation/errors.ts";
import { createLogger, type Logger, toggleDebug } from "./foundation/log.ts";
import { Metrics } from "./foundation/metrics.ts";
import { HttpKubeClient } from "./kubeapi/client.ts";
import type { KubeClient } from "./kubeapi/kube-client.ts";
import { loadCredentials } from "./kubeapi/load-credentials.ts";
import { ClientCaFile } from "./kubelet/certificates/client-ca-file.ts";
import { NodePorts } from "./kubelet/certificates/node-ports.ts";
import { ServingCertificates } from "./kubelet/certificates/serving-certificates.ts";
import { KubeletServer } from "./kubelet/server.ts";
import { Mirror } from "./mirror/mirror.ts";
import { OperationsServer } from "./operations-server.ts";
import { shellExec } from "./programs/sh/shell-exec.ts";
import { copyingExec } from "./programs/tar/copying-exec.ts";
import { openStore } from "./store/store.ts";
import { Transports } from "./transports.ts";

/** How long the whole shutdown may take; what has not ended by then is cut. */
const shutdownMs = 4_500;

/** Requests to the API server at a time: of the work queue, and renewals of Leases beside them. */
const concurrency = {
  writes: { min: 4, max: 24, start: 8 },
  renewals: { min: 8, max: 32, start: 8 },
} as const;
const reviewConnections = 8;
/** A renewal has a deadline as a whole: one repetition, for a token that has just ended, and then its timer tries again. */
const renewalTiming = { requestTimeoutMs: 10_000, maxRetries: 1, maxRetryAfterMs: 2_000 } as const;

/**
 * The composition root: builds every room bottom-up from its slice of the configuration, and closes them top-down.
 * Nothing else knows all floors.
 */
export class Gateway implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;
  readonly ports: {
    readonly kubelet: number;
    readonly operations: number;
    /** Of the transports that listen on one, by the name of their carrier. */
    readonly carriers: Readonly<Record<string, number>>;
  };

  private constructor(parts: AsyncDisposableStack, ports: Gateway["ports"]) {
    this.#parts = parts;
    this.ports = ports;
  }

  /**
   * Starts a gateway; resolves when it serves devices and callers.
   * @param version its own, as Nodes tell it
   * @throws ConfigError; an API server that is away is waited for
   */
  static async start(config: Config, version: string, log: Logger, signal: AbortSignal): Promise<Gateway> {
    await using parts = new AsyncDisposableStack();
    const clock = systemClock;
    const metrics = new Metrics();

    const logLimits = { bootBytes: config["logs.bootBytes"], totalBytes: config["logs.totalBytes"] };
    const store = parts.use(openStore({ path: config["store.path"], metrics, logLimits }));
    const registry = new Registry(() => clock.wallMs());
    const plane = parts.use(
      new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: config["session.heartbeatS"] }),
    );
    const { authenticator, acceptor, wantedLinks } = plane;
    const transports = await Transports.open(config, {
      authenticator,
      acceptor,
      wantedLinks,
      log,
      metrics,
      clock,
    });
    const usage = parts.use(new UsageSamples({ registry, stats: plane.verbs.stats, clock, metrics }));
    usage.start();

    const context = config["kubernetes.context"];
    const credentials = await loadCredentials({
      kubeconfig: config["kubernetes.kubeconfig"],
      ...(context === "" ? {} : { context }),
    });
    log.info({ credentials: credentials.source, server: credentials.server }, "cluster chosen");
    const writes = new AdaptiveLimit(concurrency.writes);
    const renewals = new AdaptiveLimit(concurrency.renewals);
    // Callers' tokens and rights are asked about beside all writes.
    const connections = concurrency.writes.max + reviewConnections;
    const kube = parts.use(new HttpKubeClient({ credentials, clock, metrics, connections, pace: writes }));
    const leaseKube = parts.use(
      kube.sibling({ connections: concurrency.renewals.max, timing: renewalTiming, pace: renewals }),
    );
    const servedVersion = await waitForVersion(kube, log, signal);
    const certificates = new ServingCertificates({
      mode: config["kubelet.servingCertificate"],
      address: config["node.address"],
      certFile: config["kubelet.certFile"],
      keyFile: config["kubelet.keyFile"],
      lifetimeS: config["kubelet.certificateLifetimeS"],
      kube,
      keyValues: store.keyValues,
      clock,
      log,
      metrics,
    });
    const certificate = parts.use(certificates.sourceOf());
    const clientCaFile = config["kubelet.clientCaFile"];
    const clientCa =
      clientCaFile === ""
        ? undefined
        : parts.use(new ClientCaFile({ path: clientCaFile, clock, log, meters: certificates.meters }));
    // Callers may come before the mirror is there.
    let mirror: Mirror | undefined;
    const kubelet = parts.use(
      new KubeletServer({
        host: config["kubelet.host"],
        port: config["kubelet.port"],
        certificate: await certificate.start((next) => kubelet.useCertificate(next)),
        registry,
        exec: shellExec({
          exec: copyingExec({ exec: plane.verbs.exec, files: plane.verbs.files, registry, clock, metrics }),
          attach: plane.verbs.attach,
          files: plane.verbs.files,
          registry,
          clock,
          metrics,
        }),
        attach: plane.verbs.attach,
        dial: plane.verbs.dial,
        invoke: plane.verbs.invoke,
        logs: plane.logs,
        usage,
        pods: { get: (key) => mirror?.pods.get(key) },
        kube,
        clock,
        log,
        metrics,
        ...(clientCa === undefined ? {} : { clientCa: clientCa.read() }),
      }),
    );
    const kubeletPort = (await kubelet.start()).port;
    clientCa?.watch((pem) => kubelet.useClientCa(pem));
    const nodePorts = config["kubelet.portPerNode"]
      ? parts.use(
          new NodePorts({
            registry,
            firstPort: config["kubelet.firstNodePort"],
            count: config["kubelet.nodePorts"],
            sharedPort: kubeletPort,
            keyValues: store.keyValues,
            log,
            metrics,
            certificateOf: (nodeName) => certificates.sourceOf(nodeName),
            open: (nodeName, listening) => kubelet.openNode(nodeName, listening),
            closed: (nodeName) => certificates.forget(nodeName),
          }),
        )
      : undefined;
    // Before the mirror: a Node is made with its port.
    nodePorts?.start();

    const namespaces = config["kubernetes.namespaces"];
    const mirroring = parts.use(
      new Mirror({
        kube,
        leaseKube,
        leasePlaces: () => renewals.limit,
        workers: () => writes.limit,
        registry,
        clock,
        log,
        metrics,
        namespaces: namespaces.length === 1 && namespaces[0] === "*" ? "all" : namespaces,
        homeNamespace: config["kubernetes.homeNamespace"],
        gatewayName: hostname(),
        readyBurst: config["mirror.readyBurst"],
        readyPerSecond: config["mirror.readyPerSecond"],
        maxNodesWithPodCidr: config["mirror.maxNodesWithPodCIDR"],
        foreignPods: config["mirror.foreignPods"],
        site: {
          address: config["node.address"],
          port: kubeletPort,
          ...(nodePorts ? { ports: nodePorts.ports } : {}),
          servedVersion,
          moteletVersion: version,
          declaresWebSockets: config["kubelet.declareWebSockets"],
        },
      }),
    );
    mirror = mirroring;
    let mirrored = false;
    const operations = parts.use(
      new OperationsServer({
        host: config["operations.host"],
        port: config["operations.port"],
        metrics,
        readiness: {
          "api server": () => kube.trouble() ?? leaseKube.trouble(),
          store: () => store.database.trouble(),
          kubelet: () => kubelet.trouble(),
          mirror: () => mirroring.trouble() ?? (mirrored ? undefined : "still starting"),
          ...transports.readiness(),
        },
      }),
    );
    const operationsPort = (await operations.start()).port;
    await plane.start();
    await mirroring.start();
    // What is left of Devices that were deleted while no gateway ran. Nothing waits for it, and the next start tries again.
    plane
      .forgetRemoved()
      .catch((error: unknown) => log.error({ err: messageOf(error) }, "removed devices not forgotten"));
    mirrored = true;

    // Transports last: a device that comes finds its Device known.
    const ports = await parts.use(transports).start();
    // Above the transports: who is connected hears that we go while the lines are still open.
    parts.defer(() => plane.sayGoodbye());
    return new Gateway(parts.move(), { kubelet: kubeletPort, operations: operationsPort, carriers: ports });
  }

  /** Runs a gateway until SIGTERM or SIGINT, then lets everything end in order. A second signal ends it at once. */
  static async run(config: Config, version: string): Promise<void> {
    const log = createLogger({ level: config["log.level"] });
    const stop = new AbortController();
    // Our timers never keep the process alive, and while the parts come and go there may be nothing else that does.
    const alive = setInterval(() => undefined, 2 ** 30);
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        if (stop.signal.aborted) process.exit(130);
        setTimeout(() => {
          log.error({ durationMs: shutdownMs }, "shutdown took too long");
          process.exit(1);
        }, shutdownMs).unref();
        stop.abort(name);
      });
    }
    // Without a handler the signal would end the process.
    process.on("SIGUSR2", () => toggleDebug(log, config["log.level"]));
    try {
      await using gateway = await Gateway.start(config, version, log, stop.signal);
      const { kubelet, operations, carriers } = gateway.ports;
      const carrierPorts = Object.fromEntries(
        Object.entries(carriers).map(([carrier, port]) => [`${carrier}Port`, port]),
      );
      log.info(
        { kubeletPort: kubelet, ...carrierPorts, operationsPort: operations, version },
        "gateway ready",
      );
      if (!stop.signal.aborted)
        await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
      log.info({ signal: String(stop.signal.reason) }, "gateway stops");
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      clearInterval(alive);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Asks for the API server's version until it answers, with at most 5 s between two questions. */
async function waitForVersion(kube: KubeClient, log: Logger, signal: AbortSignal): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await kube.get<{ gitVersion: string }>("/version", { signal })).gitVersion;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (attempt === 0) log.warn({ err: error.message }, "API server does not answer, waiting for it");
    }
    await delay(systemClock, Math.min(5_000, 250 * 2 ** attempt), signal);
  }
}
