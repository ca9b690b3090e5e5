import type { KubeClient } from "../../src/kubeapi/kube-client.ts";

export interface ReviewedAttributes {
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}

/**
 * An API server that answers TokenReview, SubjectAccessReview and one ConfigMap, at the client's interface.
 * Not done: every other path and verb (they throw), audiences, authorization rules beyond one callback, latency.
 */
export class ReviewKubeClient implements KubeClient {
  /** token → user name */
  readonly tokens = new Map<string, string>();
  readonly tokenReviews: string[] = [];
  readonly accessReviews: (ReviewedAttributes & {
    readonly user: string;
    readonly groups: readonly string[];
  })[] = [];
  allows: (user: string, attributes: ReviewedAttributes) => boolean = () => true;
  clientCa: string | undefined;
  isDown = false;

  get<T>(path: string): Promise<T> {
    if (this.isDown) return Promise.reject(new Error("fake API server is down"));
    if (!path.endsWith("/configmaps/extension-apiserver-authentication")) return notDone(path);
    return answer({ data: this.clientCa === undefined ? {} : { "client-ca-file": this.clientCa } });
  }

  create<T>(path: string, body: unknown): Promise<T> {
    if (this.isDown) return Promise.reject(new Error("fake API server is down"));
    if (path.endsWith("/tokenreviews")) return answer(this.#reviewToken(body));
    if (path.endsWith("/subjectaccessreviews")) return answer(this.#reviewAccess(body));
    return notDone(path);
  }

  #reviewToken(body: unknown): unknown {
    const { spec } = body as { spec: { token: string } };
    this.tokenReviews.push(spec.token);
    const username = this.tokens.get(spec.token);
    if (username === undefined) return { status: { authenticated: false, error: "unknown token" } };
    return {
      status: { authenticated: true, user: { username, uid: "u-1", groups: ["system:authenticated"] } },
    };
  }

  #reviewAccess(body: unknown): unknown {
    const { spec } = body as {
      spec: { user: string; groups: string[]; resourceAttributes: ReviewedAttributes };
    };
    this.accessReviews.push({ user: spec.user, groups: spec.groups, ...spec.resourceAttributes });
    return { status: { allowed: this.allows(spec.user, spec.resourceAttributes) } };
  }

  replace<T>(path: string): Promise<T> {
    return notDone(path);
  }

  patch<T>(path: string): Promise<T> {
    return notDone(path);
  }

  delete<T>(path: string): Promise<T> {
    return notDone(path);
  }

  // biome-ignore lint/correctness/useYield: a fake that has no watch
  async *watch<T>(path: string): AsyncGenerator<T, never> {
    throw new Error(`fake API server does not watch ${path}`);
  }
}

function answer<T>(body: unknown): Promise<T> {
  return Promise.resolve(body as T);
}

function notDone(path: string): Promise<never> {
  return Promise.reject(new Error(`fake API server does not know ${path}`));
}
