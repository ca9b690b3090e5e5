import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ConfigError, messageOf } from "../foundation/errors.ts";
import type { Credentials } from "./credentials.ts";
import { kubeconfigCredentials } from "./kubeconfig.ts";
import { TokenFile } from "./token-file.ts";

const podFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Where credentials are looked for; tests give what is not this process's own. */
export interface CredentialPlaces {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  readonly serviceAccountFolder?: string;
}

/**
 * The credentials that every client of a cluster would take: the configured kubeconfig, else the files that KUBECONFIG lists,
 * else those of the pod that it runs in, else ~/.kube/config.
 * @throws ConfigError also where none of them is there
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
    `no cluster is known: expected kubernetes.kubeconfig, KUBECONFIG, a pod's KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, or ${own}`,
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
