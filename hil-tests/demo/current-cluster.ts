import { createSocket } from "node:dgram";
import { globSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { RigError } from "../rig/errors.ts";
import { apply, gatewayAccount, gatewayNamespace, type Kubectl, kubectlOk } from "../rig/installation.ts";
import { runCommand } from "../rig/run-command.ts";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import type { DemoCluster } from "./demo-cluster.ts";

const namespace = "motelet-demo";
const manifests = fileURLToPath(new URL("../../manifests/", import.meta.url));
/** What `kubectl apply -k manifests/base` would install, but for the right to serve the namespace `default`; CRDs and namespace first. */
const installed = [
  ...globSync("crds/*.gen.yaml", { cwd: manifests }),
  "base/namespace.yaml",
  ...globSync("base/*.yaml", { cwd: manifests }).filter(
    (file) => !/(kustomization|namespace|tenant-default)\.yaml$/.test(file),
  ),
].map((file) => path.join(manifests, file));

/** The demo's own namespace and the gateway's rights in it. */
const tenant = `apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: motelet-gateway-tenant
  namespace: ${namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: motelet-gateway-tenant
subjects:
  - kind: ServiceAccount
    name: ${gatewayAccount}
    namespace: ${gatewayNamespace}
`;

/** The user's own kubectl with its current context. */
const currentKubectl: Kubectl = {
  kubectl: (args, { kubeconfig, ...rest } = {}) =>
    runCommand("kubectl", kubeconfig ? [`--kubeconfig=${kubeconfig}`, ...args] : args, rest),
};

interface KubeconfigView {
  readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
  readonly [field: string]: unknown;
}

/**
 * The cluster of kubectl's current context, by explicit wish only. Shows the context and what would be made, and asks; refuses
 * where motelet is installed already. Disposing it removes every object that was made.
 * @throws RigError NOT_AGREED, ALREADY_INSTALLED, KUBECTL_FAILED
 */
export async function currentCluster(options: { address?: string }): Promise<DemoCluster> {
  const cluster = currentKubectl;
  const context = (await kubectlOk(cluster, "config", "current-context")).trim();
  const view = JSON.parse(
    await kubectlOk(cluster, "config", "view", "--minify", "--raw", "--flatten", "-o", "json"),
  ) as KubeconfigView;
  const server = view.clusters[0]?.cluster.server ?? "";
  const existing = await kubectlOk(cluster, "get", "crd,namespace", "-o", "name");
  const ours = [`namespace/${namespace}`, `namespace/${gatewayNamespace}`, "devices.motelet.dev"];
  const found = existing.split("\n").filter((line) => ours.some((name) => line.endsWith(name)));
  if (found.length > 0) {
    throw new RigError(
      "ALREADY_INSTALLED",
      `context ${context} already has ${found.join(", ")}: the demo wants a cluster without motelet (make demo CLUSTER=current CLEAN=yes removes what a killed demo left)`,
    );
  }
  const address = options.address ?? (await addressTowards(new URL(server).hostname));
  await agree(context, server, address);
  const folder = makeTemporaryFolder("motelet-demo-");
  const demo: DemoCluster = {
    ...cluster,
    namespace,
    gatewayKubeconfig: path.join(folder.path, "gateway.kubeconfig"),
    gatewaySettings: {
      "node.address": address,
      "kubelet.host": address,
      "kubernetes.namespaces": namespace,
      "kubernetes.homeNamespace": namespace,
    },
    shellLines: [
      `kubectl config set-context --current --namespace=${namespace}   # or -n ${namespace} with each command`,
    ],
    failed: new Promise(() => undefined),
    async [Symbol.asyncDispose]() {
      await remove(cluster);
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    for (const file of installed) await kubectlOk(cluster, "apply", "-f", file);
    await apply(cluster, tenant);
    await kubectlOk(
      cluster,
      "wait",
      "--for=condition=Established",
      "crd/devices.motelet.dev",
      "--timeout=30s",
    );
    const token = (
      await kubectlOk(cluster, "create", "token", gatewayAccount, "-n", gatewayNamespace, "--duration=24h")
    ).trim();
    const user = { name: "gateway", user: { token } };
    const contexts = [
      {
        name: "gateway",
        context: { cluster: (view.clusters[0] as unknown as { name: string }).name, user: "gateway" },
      },
    ];
    const kubeconfig = { ...view, users: [user], contexts, "current-context": "gateway" };
    await writeFile(demo.gatewayKubeconfig, JSON.stringify(kubeconfig), { mode: 0o600 });
    return demo;
  } catch (error) {
    await demo[Symbol.asyncDispose]();
    throw error;
  }
}

async function agree(context: string, server: string, address: string): Promise<void> {
  process.stderr.write(`
The demo would use the cluster of your current context:
  context   ${context}
  server    ${server}
and make there, until it ends:
  CustomResourceDefinition  devices.motelet.dev, deviceprofiles.motelet.dev, oscoresequences.motelet.dev
  Namespace                 ${gatewayNamespace} with ServiceAccount ${gatewayAccount}, and ${namespace} with the Devices, their Pods and Secrets
  ClusterRole               motelet-gateway and others of that prefix, with bindings; a Role in kube-node-lease, a RoleBinding in kube-system
  ValidatingAdmissionPolicy four, which keep the gateway to its own; and a FlowSchema for its Leases
  Node and Lease            one for each device
The API server must reach this machine at ${address} (make demo CLUSTER=current ADDRESS=… for another one).
`);
  await ask("Go on?", "nothing was made");
}

/** @throws RigError NOT_AGREED for any answer but yes, no answer included */
async function ask(question: string, otherwise: string): Promise<void> {
  const input = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const nobody = new Promise<string>((resolve) => input.once("close", () => resolve("")));
    const answer = await Promise.race([input.question(`${question} [y/N] `), nobody]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new RigError("NOT_AGREED", otherwise);
  } finally {
    input.close();
  }
}

/** Removes what a demo left that was killed: `make demo CLUSTER=current CLEAN=yes`. */
export async function cleanCurrentCluster(): Promise<void> {
  const context = (await kubectlOk(currentKubectl, "config", "current-context")).trim();
  await ask(
    `Remove the namespaces ${namespace} and ${gatewayNamespace} and all else of motelet from ${context}?`,
    "nothing was removed",
  );
  await remove(currentKubectl);
}

/** The address of the interface by which this machine reaches the API server. Nothing is sent. */
async function addressTowards(host: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(9, host, resolve);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}

/** Removes all objects of the demo; each step is tried whatever became of the one before. */
async function remove(cluster: Kubectl): Promise<void> {
  const steps: readonly (readonly string[])[] = [
    ["delete", "namespace", namespace, "--ignore-not-found", "--timeout=60s"],
    ["delete", "node", "-l", "motelet.dev/device", "--ignore-not-found"],
    ...[...installed].reverse().map((file) => ["delete", "-f", file, "--ignore-not-found", "--timeout=60s"]),
  ];
  for (const step of steps) {
    const { code, stderr } = await cluster.kubectl(step, { timeoutMs: 90_000 });
    if (code !== 0) process.stderr.write(`kubectl ${step.join(" ")}: ${stderr.trim()}\n`);
  }
}
