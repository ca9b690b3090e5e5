import { until } from "@motelet/testing";
import { Registry } from "../../src/devices/registry.ts";
import type { Clock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { HttpKubeClient } from "../../src/kubeapi/client.ts";
import { Mirror, type MirrorOptions } from "../../src/mirror/mirror.ts";
import { FakeApiServer } from "./fake-api-server.ts";
import { ManualClock } from "./manual-clock.ts";

export const devices = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";
export const nodes = "/api/v1/nodes";
export const pods = "/api/v1/namespaces/default/pods";
export const secrets = "/api/v1/namespaces/default/secrets";
export const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
export const lamp = "default/lamp";

export interface MirrorUnderTest<C extends Clock> extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly clock: C;
  readonly metrics: Metrics;
  readonly registry: Registry;
  readonly mirror: Mirror;
}

/**
 * A mirror between a registry, driven by hand, and a fake API server.
 * @param prepare runs before the mirror starts
 */
export async function setUp(
  prepare?: (server: FakeApiServer) => void,
  options?: Partial<MirrorOptions>,
  clock?: ManualClock,
): Promise<MirrorUnderTest<ManualClock>>;
export async function setUp<C extends Clock>(
  prepare: (server: FakeApiServer) => void,
  options: Partial<MirrorOptions>,
  clock: C,
): Promise<MirrorUnderTest<C>>;
export async function setUp(
  prepare: (server: FakeApiServer) => void = () => {},
  options: Partial<MirrorOptions> = {},
  clock: Clock = new ManualClock(),
): Promise<MirrorUnderTest<Clock>> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await new FakeApiServer().start());
  prepare(server);
  const metrics = new Metrics();
  const credentials = { source: "a test", server: server.url, verify: true, token: async () => undefined };
  const kube = stack.use(new HttpKubeClient({ credentials, clock, metrics }));
  const leaseKube = stack.use(kube.sibling({ connections: 8 }));
  const registry = new Registry(() => clock.wallMs());
  const mirror = stack.use(
    new Mirror({
      kube,
      leaseKube,
      registry,
      clock,
      log: createLogger({ level: "silent" }),
      metrics,
      namespaces: ["default"],
      homeNamespace: "default",
      endpoint: { address: "192.0.2.1", port: 10_250, servedVersion: "v1.37.1", moteletVersion: "0.1.0" },
      ...options,
    }),
  );
  await mirror.start();
  return {
    server,
    clock,
    metrics,
    registry,
    mirror,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

export const device = (name: string, more: object = {}) => ({
  apiVersion: "motelet.dev/v1alpha1",
  kind: "Device",
  metadata: { name, namespace: "default" },
  ...more,
});

export const ourNode = (uid: string, name = "lamp") => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name,
    labels: { "motelet.dev/device": name, "motelet.dev/namespace": "default" },
    annotations: { "motelet.dev/device-uid": uid },
  },
  spec: { providerID: `motelet://default/${name}` },
});

/** Node, Lease and Pod of a device that just said hello. */
export async function enrol(t: Awaited<ReturnType<typeof setUp>>): Promise<void> {
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp)?.spec.identity !== undefined);
  t.registry.learn(lamp, { phase: "Online", boot: 1 });
  await until("the Pod's status", () => t.server.at(`${pods}/lamp`)?.status !== undefined);
  await until("the Lease", () => t.server.at(`${leases}/lamp`) !== undefined);
  await until("the status", () =>
    JSON.stringify(t.server.at(`${devices}/lamp`)?.status).includes("PodExists"),
  );
}
