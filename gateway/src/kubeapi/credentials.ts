import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, messageOf } from "../foundation/errors.ts";
import { kubeconfigCredentials } from "./kubeconfig.ts";
import { TokenFile } from "./token-file.ts";

/** How to reach an API server and who to be there. PEM texts are what TLS takes. */
export interface Credentials {
  /** URL; a path in it is a prefix of every request. */
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False only where a kubeconfig says insecure-skip-tls-verify. */
  readonly verify: boolean;
  /** Namespace of the context or of the gateway's own pod. */
  readonly namespace?: string;
  /** @param fresh the last one was refused: read it anew */
  token(fresh: boolean): Promise<string | undefined>;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The credentials that the configuration asks for: a kubeconfig where one is named, else those of the pod.
 * An exported KUBECONFIG is never used by itself.
 * @throws ConfigError
 */
export function loadCredentials(
  wanted: { kubeconfig?: string; context?: string },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Credentials> {
  return wanted.kubeconfig
    ? kubeconfigCredentials(wanted.kubeconfig, wanted.context)
    : inClusterCredentials(env, serviceAccountFolder);
}

/** What Kubernetes gives to each pod: address in the environment, token and CA in files. */
export async function inClusterCredentials(
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): Promise<Credentials> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) {
    throw new ConfigError(
      "NOT_IN_CLUSTER",
      "no kubeconfig is configured and KUBERNETES_SERVICE_HOST is not set: name a kubeconfig, or run in a pod",
    );
  }
  const token = new TokenFile(join(folder, "token"));
  await token.read(true);
  const namespace = await readFile(join(folder, "namespace"), "utf8").catch(() => undefined);
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ca: await readCa(join(folder, "ca.crt")),
    verify: true,
    ...(namespace ? { namespace: namespace.trim() } : {}),
    token: (fresh) => token.read(fresh),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError("CA_READ", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
