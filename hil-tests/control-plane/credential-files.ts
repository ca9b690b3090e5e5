import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Authority, type KeyPair, newSigningKey } from "./authority.ts";
import { auditPolicy, type ComponentOptions, files } from "./components.ts";
import { formatKubeconfig } from "./kubeconfig.ts";

/**
 * Makes all keys and certificates of one run and writes the files that the components read.
 * @param url of the API server
 * @returns the cluster's authority and the administrator's certificate
 */
export async function writeCredentialFiles(
  folder: string,
  url: string,
  options: ComponentOptions,
): Promise<{ authority: Authority; admin: KeyPair }> {
  const [authority, frontProxy, serviceAccount] = await Promise.all([
    Authority.create("motelet-test-ca"),
    Authority.create("motelet-test-front-proxy-ca"),
    newSigningKey(),
  ]);
  const [serving, kubeletClient, frontProxyClient, admin, controllerManager, scheduler] = await Promise.all([
    authority.issue({
      commonName: "kube-apiserver",
      usage: "server",
      hosts: ["127.0.0.1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default.svc"],
    }),
    authority.issue({ commonName: kubeletClientUser, usage: "client" }),
    frontProxy.issue({ commonName: "front-proxy-client", usage: "client" }),
    authority.issue({ commonName: "motelet-test-admin", organizations: ["system:masters"], usage: "client" }),
    authority.issue({ commonName: "system:kube-controller-manager", usage: "client" }),
    authority.issue({ commonName: "system:kube-scheduler", usage: "client" }),
  ]);
  const kubeconfig = (user: string, pair: KeyPair): string =>
    formatKubeconfig(url, authority.certificate, user, pair);
  const kubeletCa = options.kubeletCertificateAuthority;
  const contents: Partial<Record<keyof typeof files, string>> = {
    ca: authority.certificate,
    caKey: authority.key,
    serving: serving.certificate,
    servingKey: serving.key,
    serviceAccountPublic: serviceAccount.publicKey,
    serviceAccountPrivate: serviceAccount.privateKey,
    kubeletClient: kubeletClient.certificate,
    kubeletClientKey: kubeletClient.key,
    frontProxyCa: frontProxy.certificate,
    frontProxyClient: frontProxyClient.certificate,
    frontProxyClientKey: frontProxyClient.key,
    adminKubeconfig: kubeconfig("admin", admin),
    controllerManagerKubeconfig: kubeconfig("controller-manager", controllerManager),
    schedulerKubeconfig: kubeconfig("scheduler", scheduler),
    ...(options.auditLogPath ? { auditPolicy } : {}),
    ...(kubeletCa ? { kubeletCa: kubeletCa === "own" ? authority.certificate : kubeletCa } : {}),
  };
  const names = Object.keys(contents) as (keyof typeof files)[];
  await Promise.all(
    names.map((name) => writeFile(path.join(folder, files[name]), contents[name] ?? "", { mode: 0o600 })),
  );
  return { authority, admin };
}

/** As whom the API server calls kubelets; bound to ClusterRole `system:kubelet-api-admin`, no more. */
export const kubeletClientUser = "kube-apiserver-kubelet-client";
