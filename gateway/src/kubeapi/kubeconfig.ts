import { existsSync } from "node:fs";
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
    context?: { cluster?: string; user?: string };
  }[];
}

/** Keys of the file itself; every other way to authenticate runs a program or asks a provider. */
const ownUserFields = [
  "token",
  "tokenFile",
  "client-certificate",
  "client-certificate-data",
  "client-key",
  "client-key-data",
];

/** An entry with the file in which it stands: paths in it are relative to that file. */
interface Found<Entry> {
  readonly file: string;
  readonly entry: Entry;
}

/**
 * Reads one context of kubeconfig files: server, CA, and client certificate or token, inline or by path. Several files
 * are merged as kubectl does it: for each name, and for the current context, the first file that has one is used.
 * @param paths one file, or those of KUBECONFIG, of which some may be missing
 * @throws ConfigError if a file, the context or the authentication method cannot be used
 */
export async function kubeconfigCredentials(
  paths: string | readonly string[],
  contextName?: string,
): Promise<Credentials> {
  const files = await readAll(typeof paths === "string" ? [paths] : paths);
  const said = files.map(({ file }) => file).join(", ");
  const wanted = contextName ?? files.find(({ entry }) => entry["current-context"])?.entry["current-context"];
  const context = named(files, "contexts", wanted)?.entry.context;
  const foundCluster = named(files, "clusters", context?.cluster);
  const cluster = foundCluster?.entry.cluster;
  const foundUser = named(files, "users", context?.user);
  const user = foundUser?.entry.user ?? {};
  if (!foundCluster || !cluster?.server) {
    throw new ConfigError(
      "KUBECONFIG_CONTEXT",
      `${said}: context "${wanted ?? ""}" names no cluster with a server`,
    );
  }
  const userFile = foundUser?.file ?? foundCluster.file;
  const foreign = Object.keys(user).some((field) => !ownUserFields.includes(field));
  const ca = await inlineOrFile(
    foundCluster.file,
    cluster["certificate-authority-data"],
    cluster["certificate-authority"],
  );
  const cert = await inlineOrFile(userFile, user["client-certificate-data"], user["client-certificate"]);
  const key = await inlineOrFile(userFile, user["client-key-data"], user["client-key"]);
  const tokenFile = user.tokenFile ? new TokenFile(resolve(dirname(userFile), user.tokenFile)) : undefined;
  return {
    source: `${said}, context "${wanted ?? ""}"`,
    server: cluster.server,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(cluster["tls-server-name"] ? { serverName: cluster["tls-server-name"] } : {}),
    verify: cluster["insecure-skip-tls-verify"] !== true,
    token: foreign
      ? await pluginToken({ file: userFile, user: context?.user ?? "", context: wanted ?? "", cluster })
      : async (fresh) => (tokenFile ? tokenFile.read(fresh) : user.token),
  };
}

/** The first entry of that name in the files' order. */
function named<Section extends "clusters" | "users" | "contexts">(
  files: readonly Found<Kubeconfig>[],
  section: Section,
  name: string | undefined,
): Found<NonNullable<Kubeconfig[Section]>[number]> | undefined {
  for (const { file, entry } of files) {
    const found = entry[section]?.find((one) => one.name === name);
    if (found) return { file, entry: found };
  }
  return undefined;
}

/** Of several files, those that are there; one that is named alone has to be. */
async function readAll(paths: readonly string[]): Promise<Found<Kubeconfig>[]> {
  const there = paths.length > 1 ? paths.filter((path) => existsSync(path)) : paths;
  if (there.length === 0)
    throw new ConfigError("KUBECONFIG_READ", `cannot read kubeconfig: none of ${paths.join(", ")} is there`);
  return Promise.all(there.map(async (file) => ({ file, entry: await readKubeconfig(file) })));
}

/**
 * Tokens from exec plugins and auth providers, which client-node knows how to run. It costs half a second and 90 MB,
 * so it is loaded only here. It keeps a token until it expires.
 */
async function pluginToken(of: {
  file: string;
  user: string;
  context: string;
  cluster: ClusterEntry;
}): Promise<Credentials["token"]> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(of.file);
  // The context and the cluster may be in another file than the user.
  config.clusters = [{ name: "cluster", server: of.cluster.server ?? "", skipTLSVerify: false }];
  config.contexts = [{ name: of.context, cluster: "cluster", user: of.user }];
  config.setCurrentContext(of.context);
  return async () => {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new ConfigError(
        "KUBECONFIG_AUTH",
        `${of.file}: the user of context "${of.context}": ${messageOf(cause)}`,
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
