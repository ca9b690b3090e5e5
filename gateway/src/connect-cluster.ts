import type { BuildContext } from "./build-context.ts";
import { AdaptiveLimit } from "./foundation/adaptive-limit.ts";
import type { Clock } from "./foundation/clock.ts";
import { delay } from "./foundation/delay.ts";
import { UnavailableError } from "./foundation/errors.ts";
import type { Logger } from "./foundation/log.ts";
import { HttpKubeClient } from "./kubeapi/client.ts";
import type { KubeClient } from "./kubeapi/kube-client.ts";
import { loadCredentials } from "./kubeapi/load-credentials.ts";

/** Requests to the API server at a time: of the work queue, and renewals of Leases in addition. */
const concurrency = {
  writes: { min: 4, max: 24, start: 8 },
  renewals: { min: 8, max: 32, start: 8 },
} as const;
const reviewConnections = 8;
/** A renewal has a deadline as a whole: one repetition, for a token that has just ended, and then its timer tries again. */
const renewalTiming = { requestTimeoutMs: 10_000, maxRetries: 1, maxRetryAfterMs: 2_000 } as const;

/** The cluster that a gateway serves, with the clients for it. */
export interface Cluster {
  readonly kube: HttpKubeClient;
  /** For renewals of Leases, which must not wait behind other requests. */
  readonly leaseKube: HttpKubeClient;
  /** How many requests each client may have in flight at the moment. */
  readonly writes: AdaptiveLimit;
  readonly renewals: AdaptiveLimit;
  /** Version of the API server. */
  readonly servedVersion: string;
}

/**
 * Resolves when the API server has answered. Waits for a server that does not answer.
 * @throws ConfigError for credentials that cannot be used
 */
export async function connectCluster(
  { config, clock, log, metrics, parts }: BuildContext,
  signal: AbortSignal,
): Promise<Cluster> {
  const context = config["kubernetes.context"];
  const credentials = await loadCredentials({
    kubeconfig: config["kubernetes.kubeconfig"],
    ...(context === "" ? {} : { context }),
  });
  log.info({ credentials: credentials.source, server: credentials.server }, "cluster chosen");
  const writes = new AdaptiveLimit(concurrency.writes);
  const renewals = new AdaptiveLimit(concurrency.renewals);
  // Callers' tokens and rights are reviewed in addition to all writes.
  const connections = concurrency.writes.max + reviewConnections;
  const kube = parts.use(new HttpKubeClient({ credentials, clock, metrics, connections, pace: writes }));
  const leaseKube = parts.use(
    kube.sibling({ connections: concurrency.renewals.max, timing: renewalTiming, pace: renewals }),
  );
  const servedVersion = await waitForVersion(kube, clock, log, signal);
  return { kube, leaseKube, writes, renewals, servedVersion };
}

/** Asks for the API server's version until it answers, with at most 5 s between two questions. */
async function waitForVersion(
  kube: KubeClient,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await kube.get<{ gitVersion: string }>("/version", { signal })).gitVersion;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (attempt === 0) log.warn({ err: error.message }, "API server does not answer, waiting for it");
    }
    await delay(clock, Math.min(5_000, 250 * 2 ** attempt), signal);
  }
}
