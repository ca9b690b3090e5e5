import type { DeviceFacts } from "../devices/device.ts";
import { RequestError, UnavailableError } from "../foundation/errors.ts";
import { ownsPod, type Pod, type PodTarget } from "../resources/virtual-pod.ts";
import type { KubeletParts } from "./serving.ts";

/** The pod and container of a request, if they exist. */
export type KnownTarget = Exclude<PodTarget, { readonly kind: "no-pod" | "no-container" }>;

/** The part of a call that names its target. */
export interface Subject {
  readonly target: PodTarget;
  readonly params: Readonly<Partial<Record<string, string>>>;
  readonly route: { readonly stream?: unknown };
}

/** The Node on which a request needs a right; undefined if no pod is named or it is unknown. */
export function nodeOfTarget(target: PodTarget): string | undefined {
  return target.kind === "no-pod" ? undefined : target.nodeName;
}

/**
 * The target of a request's pod and container.
 * @throws RequestError with the kubelet's messages, which are shorter for upgrades
 */
export function expectTarget({ target, params, route }: Subject): KnownTarget {
  const pod = JSON.stringify(params.pod ?? "");
  if (target.kind === "no-pod")
    throw new RequestError(
      "POD_NOT_FOUND",
      route.stream ? "pod does not exist" : `pod ${pod} does not exist`,
    );
  if (target.kind === "no-container")
    throw new RequestError(
      "CONTAINER_NOT_FOUND",
      `container ${JSON.stringify(params.container ?? "")} not found in pod ${pod}`,
    );
  return target;
}

/** A device's Pod in the cluster; undefined if it does not exist (yet) or belongs to another Device of that name. */
export function clusterPod({ pods }: Pick<KubeletParts, "pods">, facts: DeviceFacts): Pod | undefined {
  const pod = pods.get(facts.key);
  return pod && ownsPod(facts, pod) ? pod : undefined;
}

/**
 * Fails before the upgrade, when kubectl shows the error plainly, if a device is not available. If its Device allows
 * it, a sleeping device is waited for after the upgrade.
 * @throws UnavailableError
 */
export function expectOnline(facts: DeviceFacts): void {
  if (facts.phase === "Online" || (facts.phase === "Asleep" && facts.spec.sleep?.wait)) return;
  if (facts.phase === "Asleep" && facts.asleepUntilMs !== undefined) {
    const until = new Date(facts.asleepUntilMs).toISOString();
    throw new UnavailableError("DEVICE_ASLEEP", `device ${facts.key} is asleep until ${until}`);
  }
  const seen =
    facts.lastSeenMs === undefined ? "never seen" : `last seen ${new Date(facts.lastSeenMs).toISOString()}`;
  throw new UnavailableError(
    "DEVICE_OFFLINE",
    `device ${facts.key} is ${facts.phase.toLowerCase()} (${seen})`,
  );
}
