import process from "node:process";
import { Registry } from "../../../gateway/src/devices/registry.ts";
import { systemClock } from "../../../gateway/src/foundation/clock.ts";
import { createLogger, type LogLevel } from "../../../gateway/src/foundation/log.ts";
import { Metrics } from "../../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../../gateway/src/kubeapi/client.ts";
import type { KubeClient } from "../../../gateway/src/kubeapi/kube-client.ts";
import { kubeconfigCredentials } from "../../../gateway/src/kubeapi/kubeconfig.ts";
import { Mirror, type MirrorOptions } from "../../../gateway/src/mirror/mirror.ts";

/** A gateway without carriers, sessions and listener: its registry is driven by hand. */
export interface BareMirror extends AsyncDisposable {
  readonly registry: Registry;
  readonly metrics: Metrics;
  readonly kube: HttpKubeClient;
  /** Resolves when everything was read once. */
  readonly started: Promise<void>;
}

/** Starts a mirror with a user's kubeconfig; MOTELET_TEST_LOG=debug shows what it does. */
export async function startBareMirror(
  kubeconfig: string,
  options: Partial<MirrorOptions> & { wrap?: (kube: KubeClient) => KubeClient } = {},
): Promise<BareMirror> {
  const { wrap = (kube) => kube, ...mirrorOptions } = options;
  const level = (process.env.MOTELET_TEST_LOG ?? "silent") as LogLevel;
  const metrics = new Metrics();
  const credentials = await kubeconfigCredentials(kubeconfig);
  const kube = new HttpKubeClient({ credentials, clock: systemClock, metrics });
  const registry = new Registry(() => systemClock.wallMs());
  const { gitVersion } = await kube.get<{ gitVersion: string }>("/version");
  const mirror = new Mirror({
    kube: wrap(kube),
    registry,
    clock: systemClock,
    log: createLogger({ level }),
    metrics,
    namespaces: ["default"],
    homeNamespace: "default",
    endpoint: { address: "127.0.0.1", port: 10_250, servedVersion: gitVersion, moteletVersion: "0.1.0" },
    conflictRetryMs: 500,
    ...mirrorOptions,
  });
  return {
    registry,
    metrics,
    kube,
    started: mirror.start(),
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]();
      await kube[Symbol.asyncDispose]();
    },
  };
}
