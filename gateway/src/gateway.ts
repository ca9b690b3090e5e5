import type { BuildContext } from "./build-context.ts";
import { buildMirror } from "./build-mirror.ts";
import type { Config } from "./config.ts";
import { connectCluster } from "./connect-cluster.ts";
import { DevicePlane } from "./devices/device-plane.ts";
import { Registry } from "./devices/registry.ts";
import { UsageSamples } from "./devices/usage/usage.ts";
import { onAbort } from "./foundation/abort.ts";
import { systemClock } from "./foundation/clock.ts";
import { messageOf } from "./foundation/errors.ts";
import { createLogger, type Logger, toggleDebug } from "./foundation/log.ts";
import { Metrics } from "./foundation/metrics.ts";
import { LateSequenceBlocks } from "./late-sequence-blocks.ts";
import type { Mirror } from "./mirror/mirror.ts";
import { SequenceBlocks } from "./mirror/sequence-blocks.ts";
import { OperationsServer, type ReadinessCheck } from "./operations-server.ts";
import { startKubelet } from "./start-kubelet.ts";
import { openStore, type Store } from "./store/store.ts";
import { Transports } from "./transports.ts";

/** How long the whole shutdown may take; what has not ended by then is cut. */
const shutdownMs = 4_500;

/**
 * The composition root: builds every layer bottom-up from its part of the configuration, and closes them top-down. No
 * other file knows all layers.
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
   * Starts a gateway; resolves when it serves devices and callers. Waits for an API server that is unreachable.
   * @param version its own version, as Nodes report it
   * @throws ConfigError
   */
  static async start(config: Config, version: string, log: Logger, signal: AbortSignal): Promise<Gateway> {
    await using parts = new AsyncDisposableStack();
    const [clock, metrics] = [systemClock, new Metrics()];
    const context: BuildContext = { config, clock, log, metrics, parts };
    const store = parts.use(storeOf(context));
    const registry = new Registry(() => clock.wallMs());
    const plane = parts.use(
      new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: config["session.heartbeatS"] }),
    );
    const { acceptor, authenticator, wantedLinks, keys } = plane;
    const { keyValues } = store;
    const sequences = new LateSequenceBlocks();
    const common = { acceptor, authenticator, wantedLinks, keys, sequences, keyValues, log, metrics, clock };
    const transports = await Transports.open(config, common);
    const usage = parts.use(new UsageSamples({ registry, stats: plane.verbs.stats, clock, metrics }));
    usage.start();

    const cluster = await connectCluster(context, signal);
    // Callers may come before the mirror is there.
    let mirror: Mirror | undefined;
    const pods = { get: (key: string) => mirror?.pods.get(key) };
    const { kube } = cluster;
    sequences.use(new SequenceBlocks(kube));
    // Before the mirror: a Node is made with its port.
    const kubelet = await startKubelet(context, { kube, store, registry, plane, usage, pods });
    const mirroring = parts.use(buildMirror(context, cluster, registry, kubelet, version));
    mirror = mirroring;
    const operations = parts.use(
      operationsOf(context, {
        "api server": () => kube.unhealthyReason() ?? cluster.leaseKube.unhealthyReason(),
        store: () => store.database.unhealthyReason(),
        kubelet: () => kubelet.server.unhealthyReason(),
        mirror: () => mirroring.unhealthyReason(),
        ...transports.readiness(),
      }),
    );
    const operationsPort = (await operations.start()).port;
    plane.start();
    await mirroring.start();
    // What is left of Devices that were deleted while no gateway ran. Nothing waits for it, and the next start tries again.
    plane
      .forgetRemoved()
      .catch((error: unknown) => log.error({ err: messageOf(error) }, "removed devices not forgotten"));

    // Transports last: a device that comes finds its Device known.
    const ports = await parts.use(transports).start();
    // Above the transports: who is connected hears that we go while the lines are still open.
    parts.defer(() => plane.sayGoodbye());
    return new Gateway(parts.move(), { kubelet: kubelet.port, operations: operationsPort, carriers: ports });
  }

  /** Runs a gateway until SIGTERM or SIGINT, then stops all parts in order. A second signal ends it at once. */
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
      await new Promise<void>((resolve) => onAbort(stop.signal, resolve));
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

function storeOf({ config, metrics }: BuildContext): Store {
  const logLimits = { bootBytes: config["logs.bootBytes"], totalBytes: config["logs.totalBytes"] };
  return openStore({ path: config["store.path"], metrics, logLimits });
}

function operationsOf(
  { config, metrics }: BuildContext,
  readiness: Readonly<Record<string, ReadinessCheck>>,
): OperationsServer {
  const [host, port] = [config["operations.host"], config["operations.port"]];
  return new OperationsServer({ host, port, metrics, readiness });
}
