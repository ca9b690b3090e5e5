import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { ConfigError, messageOf } from "../foundation/errors.ts";
import type { Credentials } from "./credentials.ts";
import { TokenFile } from "./token-file.ts";

interface ClusterEntry {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly clusters?: readonly { name: string; cluster?: ClusterEntry }[];
  readonly users?: readonly { name: string; user?: UserEntry }[];
  readonly contexts?: readonly {
    name: string;
    context?: { cluster?: string; user?: string; namespace?: string };
  }[];
}

/** What stands in the file itself; every other way to authenticate runs a program or asks a provider. */
const ownUserFields = [
  "token",
  "tokenFile",
  "client-certificate",
  "client-certificate-data",
  "client-key",
  "client-key-data",
];

/**
 * Reads one context of a kubeconfig file: server, CA, and client certificate or token, inline or by path.
 * @throws ConfigError where the file, the context or the way to authenticate cannot be used
 */
export async function kubeconfigCredentials(path: string, contextName?: string): Promise<Credentials> {
  const config = await readKubeconfig(path);
  const wanted = contextName ?? config["current-context"];
  const context = config.contexts?.find(({ name }) => name === wanted)?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user ?? {};
  if (!cluster?.server) {
    throw new ConfigError(
      "KUBECONFIG_CONTEXT",
      `${path}: context "${wanted}" names no cluster with a server`,
    );
  }
  const foreign = Object.keys(user).some((field) => !ownUserFields.includes(field));
  const read = (data: string | undefined, file: string | undefined) => inlineOrFile(path, data, file);
  const ca = await read(cluster["certificate-authority-data"], cluster["certificate-authority"]);
  const cert = await read(user["client-certificate-data"], user["client-certificate"]);
  const key = await read(user["client-key-data"], user["client-key"]);
  const tokenFile = user.tokenFile ? new TokenFile(resolve(dirname(path), user.tokenFile)) : undefined;
  return {
    server: cluster.server,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(cluster["tls-server-name"] ? { serverName: cluster["tls-server-name"] } : {}),
    verify: cluster["insecure-skip-tls-verify"] !== true,
    ...(context?.namespace ? { namespace: context.namespace } : {}),
    token: foreign
      ? await pluginToken(path, wanted)
      : async (fresh) => (tokenFile ? tokenFile.read(fresh) : user.token),
  };
}

/**
 * Tokens from exec plugins and auth providers, which client-node knows how to run. It costs half a second and 90 MB,
 * so it is loaded only here. It keeps a token until it expires.
 */
async function pluginToken(path: string, context: string | undefined): Promise<Credentials["token"]> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(path);
  if (context !== undefined) config.setCurrentContext(context);
  return async () => {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new ConfigError(
        "KUBECONFIG_AUTH",
        `${path}: the user of context "${context}": ${messageOf(cause)}`,
        { cause },
      );
    }
    const header = (options.headers as Record<string, string> | undefined)?.Authorization;
    return header?.replace(/^Bearer /, "");
  };
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  try {
    return (parse(await readFile(path, "utf8")) ?? {}) as Kubeconfig;
  } catch (cause) {
    throw new ConfigError("KUBECONFIG_READ", `cannot read kubeconfig ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function inlineOrFile(
  kubeconfig: string,
  inlineBase64: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (inlineBase64) return Buffer.from(inlineBase64, "base64").toString("utf8");
  if (!file) return undefined;
  const path = resolve(dirname(kubeconfig), file);
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError("KUBECONFIG_READ", `${kubeconfig} names ${path}: ${messageOf(cause)}`, { cause });
  }
}
