import type { V1SubjectAccessReview } from "@kubernetes/client-node";
import type { Clock } from "../../foundation/clock.ts";
import { AccessError, UnavailableError } from "../../foundation/errors.ts";
import type { KubeClient } from "../../kubeapi/kube-client.ts";
import type { Wire } from "../../kubeapi/objects.ts";
import { reviewDeadline, type User } from "./authentication.ts";
import { type CacheLimits, type CacheMeter, ExpiringCache } from "./expiring-cache.ts";

/** The right that a caller needs on a Node; one of the subresources is enough (KubeletFineGrainedAuthz). */
export interface Access {
  readonly verb: "get" | "create";
  readonly subresources: readonly string[];
}

/** virtual-kubelet's and the kubelet's own defaults. */
const allowedForMs = 300_000;
const deniedForMs = 30_000;

type SubjectAccessReview = Pick<Wire<V1SubjectAccessReview>, "status">;

/** Asks the API server whether a caller may reach a Node's kubelet API (docs/kubectl.md, "Permissions"). */
export class Authorizer {
  readonly #kube: KubeClient;
  readonly #reviews: ExpiringCache<boolean>;

  constructor(
    kube: KubeClient,
    clock: Clock,
    meter?: CacheMeter,
    limits: CacheLimits = { entries: 4_000, pending: 64 },
  ) {
    this.#kube = kube;
    this.#reviews = new ExpiringCache(clock, limits, meter);
  }

  /**
   * @param nodeName "" asks for the right on every Node
   * @throws AccessError FORBIDDEN; UnavailableError if the API server cannot be asked
   */
  async authorize(user: User, access: Access, nodeName: string): Promise<void> {
    for (const subresource of access.subresources) {
      const attributes = { verb: access.verb, version: "v1", resource: "nodes", subresource, name: nodeName };
      const key = JSON.stringify([user, attributes]);
      if (await this.#reviews.get(key, () => this.#review(user, attributes))) return;
    }
    // The text names no Node: whether a pod exists is not for those to learn who may not reach it.
    throw new AccessError(
      "FORBIDDEN",
      `Forbidden (user=${user.name}, verb=${access.verb}, resource=nodes, subresource(s)=[${access.subresources.join(" ")}])`,
      { user: user.name, verb: access.verb, node: nodeName },
    );
  }

  async #review(user: User, resourceAttributes: object): Promise<{ value: boolean; forMs: number }> {
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user: user.name, uid: user.uid, groups: user.groups, extra: user.extra, resourceAttributes },
    };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let review: SubjectAccessReview;
    try {
      review = await this.#kube.create<SubjectAccessReview>(path, body, reviewDeadline());
    } catch (cause) {
      throw new UnavailableError(
        "ACCESS_REVIEW_FAILED",
        "cannot review the access: the API server did not answer",
        { cause },
      );
    }
    const allowed = review.status?.allowed === true && review.status.denied !== true;
    return { value: allowed, forMs: allowed ? allowedForMs : deniedForMs };
  }
}
