import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ConfigError, messageOf } from "../foundation/errors.ts";
import type { Credentials } from "./credentials.ts";
import { kubeconfigCredentials } from "./kubeconfig.ts";
import { TokenFile } from "./token-file.ts";

const podFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The places where credentials may be found; tests replace those of this process. */
export interface CredentialPlaces {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  readonly serviceAccountFolder?: string;
}

/**
 * The credentials, from the same sources as in every client of a cluster: the configured kubeconfig, else the files in
 * KUBECONFIG, else those of the pod in which the process runs, else ~/.kube/config.
 * @throws ConfigError if none of them exists or can be used
 */
export async function loadCredentials(
  wanted: { kubeconfig?: string; context?: string },
  { env = process.env, home = homedir(), serviceAccountFolder = podFolder }: CredentialPlaces = {},
): Promise<Credentials> {
  if (wanted.kubeconfig) return kubeconfigCredentials(wanted.kubeconfig, wanted.context);
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length > 0) return kubeconfigCredentials(listed, wanted.context);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host && port) return inClusterCredentials(host, port, serviceAccountFolder);
  const own = join(home, ".kube", "config");
  if (existsSync(own)) return kubeconfigCredentials(own, wanted.context);
  throw new ConfigError(
    "NO_CREDENTIALS",
    `no cluster is configured: expected kubernetes.kubeconfig, KUBECONFIG, a pod's KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, or ${own}`,
  );
}

/** What Kubernetes gives to each pod: address in the environment, token and CA in files. */
async function inClusterCredentials(host: string, port: string, folder: string): Promise<Credentials> {
  const token = new TokenFile(join(folder, "token"));
  await token.read(true);
  return {
    source: "the pod's service account",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ca: await readCa(join(folder, "ca.crt")),
    verify: true,
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
