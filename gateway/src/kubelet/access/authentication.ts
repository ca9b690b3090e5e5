import { createHash } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { V1TokenReview } from "@kubernetes/client-node";
import type { Clock } from "../../foundation/clock.ts";
import { AccessError, UnavailableError } from "../../foundation/errors.ts";
import type { KubeClient } from "../../kubeapi/kube-client.ts";
import type { Wire } from "../../kubeapi/objects.ts";
import { type CacheLimits, type CacheMeter, ExpiringCache } from "./expiring-cache.ts";

/** The caller, as Kubernetes' authorizers expect it. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The credentials that a caller presents. */
export interface Credentials {
  /** Subject of a certificate that was verified against the client CA. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  /** The Authorization header. */
  readonly authorization?: string;
}

/** A kubelet's: tokens stay good for 2 min; a bad one is asked for again soon, it may just have been made. */
const acceptedForMs = 120_000;
const refusedForMs = 10_000;

type TokenReview = Pick<Wire<V1TokenReview>, "status">;

/**
 * Identifies callers of the kubelet API: by a client certificate, else by a bearer token that the API server reviews;
 * never anonymous.
 */
export class Authenticator {
  readonly #kube: KubeClient;
  readonly #reviews: ExpiringCache<User | undefined>;

  constructor(
    kube: KubeClient,
    clock: Clock,
    meter?: CacheMeter,
    limits: CacheLimits = { entries: 1_000, pending: 32 },
  ) {
    this.#kube = kube;
    this.#reviews = new ExpiringCache(clock, limits, meter);
  }

  /** @throws AccessError UNAUTHENTICATED; UnavailableError if the API server cannot be asked */
  async authenticate(credentials: Credentials): Promise<User> {
    const { certificate, authorization } = credentials;
    if (certificate)
      return { name: certificate.commonName, groups: withAuthenticated(certificate.organizations) };
    const token = bearerToken(authorization);
    if (token === undefined)
      throw new AccessError("UNAUTHENTICATED", "Unauthorized", { credentials: "none" });
    // The key is a digest, so that a dump of memory shows no token that is not in use.
    const key = createHash("sha256").update(token).digest("base64");
    const user = await this.#reviews.get(key, () => this.#review(token));
    if (!user) throw new AccessError("UNAUTHENTICATED", "Unauthorized", { credentials: "token" });
    return user;
  }

  async #review(token: string): Promise<{ value: User | undefined; forMs: number }> {
    const review = await this.#ask(token);
    const { authenticated, user } = review.status ?? {};
    if (authenticated !== true || !user?.username) return { value: undefined, forMs: refusedForMs };
    const { username, uid, groups, extra } = user;
    return {
      value: { name: username, groups: groups ?? [], ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) },
      forMs: acceptedForMs,
    };
  }

  async #ask(token: string): Promise<TokenReview> {
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token },
    };
    try {
      return await this.#kube.create<TokenReview>(
        "/apis/authentication.k8s.io/v1/tokenreviews",
        body,
        reviewDeadline(),
      );
    } catch (cause) {
      throw new UnavailableError(
        "TOKEN_REVIEW_FAILED",
        "cannot review the token: the API server did not answer",
        {
          cause,
        },
      );
    }
  }
}

/** The deadline of a review. It is short, because a caller waits for it. */
export function reviewDeadline(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(10_000) };
}

/** x509 users are authenticated, and the API server adds this group to those that it authenticates itself. */
function withAuthenticated(groups: readonly string[]): readonly string[] {
  return groups.includes("system:authenticated") ? groups : [...groups, "system:authenticated"];
}

function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([^\s]+)$/i.exec(authorization ?? "")?.[1];
}

/** A chain longer than that is nobody's. */
const maxChain = 8;

/**
 * Reads the subject of a client certificate that TLS has verified for client use.
 * @param nowMs checks the expiry again, because a connection may outlive the certificate
 * @param anchors fingerprints of the present client CA, which may differ from that of the handshake
 * @returns undefined if there is no certificate, it is not signed by that CA, it has expired, or it does not name
 * exactly one user
 */
export function verifiedSubject(
  socket: TLSSocket,
  nowMs: number,
  anchors: ReadonlySet<string>,
): Credentials["certificate"] {
  if (!socket.authorized || anchors.size === 0) return undefined;
  const leaf = socket.getPeerCertificate(true);
  const commonName: unknown = leaf.subject?.CN;
  if (typeof commonName !== "string" || commonName === "") return undefined;
  if (!(Date.parse(leaf.valid_to) > nowMs) || !isAnchored(leaf, anchors)) return undefined;
  const organization: unknown = leaf.subject.O;
  const organizations = (Array.isArray(organization) ? organization : [organization]).filter(
    (name): name is string => typeof name === "string",
  );
  return { commonName, organizations };
}

function isAnchored(leaf: DetailedPeerCertificate, anchors: ReadonlySet<string>): boolean {
  let certificate: DetailedPeerCertificate | undefined = leaf;
  for (let depth = 0; certificate && depth < maxChain; depth++) {
    if (anchors.has(certificate.fingerprint256)) return true;
    certificate = certificate.issuerCertificate;
  }
  return false;
}
