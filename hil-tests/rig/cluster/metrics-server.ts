import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ensureTools } from "../../control-plane/build-tools.ts";
import type { ControlPlane, ControlPlaneOptions } from "../../control-plane/control-plane.ts";
import { freePorts } from "../../control-plane/free-ports.ts";
import { apply } from "../installation.ts";
import { type RunningProcess, startProcess } from "../process.ts";
import { waitFor } from "../wait.ts";

const folder = fileURLToPath(new URL("../../peers/metrics-server", import.meta.url));
const name = "metrics-server";
const namespace = "kube-system";

/** The least seconds between two scrapes that metrics-server takes; `kubectl top` has figures after two. */
export const resolutionS = 10;

/**
 * A control plane whose API server reaches metrics-server: an endpoint may not be a loopback address, so the Service is
 * an external name, which the API server takes only where it routes by Services.
 */
export const withMetricsServer: ControlPlaneOptions = {
  extraApiServerFlags: ["--enable-aggregator-routing=false"],
};

/**
 * Builds metrics-server where the cache has none, and starts it with the rights of its own manifests and no more, as the
 * cluster's metrics.k8s.io. Returns when the API server says that it is available.
 */
export async function startMetricsServer(plane: ControlPlane): Promise<RunningProcess> {
  const { [name]: command = "" } = await ensureTools(folder);
  const [port = 0] = await freePorts(1);
  await plane.settled();
  await apply(plane, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects(port, plane.caPem) }));
  const token = await plane.serviceAccountToken(namespace, name);
  const kubeconfig = await plane.kubeconfigForToken(token);
  const host = `${name}.${namespace}.svc`;
  const pair = await plane.issueCertificate({ commonName: host, usage: "server", hosts: [host] });
  const files = { crt: path.join(plane.folder, `${name}.crt`), key: path.join(plane.folder, `${name}.key`) };
  await writeFile(files.crt, pair.certificate);
  await writeFile(files.key, pair.key, { mode: 0o600 });
  const process = startProcess({
    name,
    command,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      `--tls-cert-file=${files.crt}`,
      `--tls-private-key-file=${files.key}`,
      `--metric-resolution=${resolutionS}s`,
      "--kubelet-request-timeout=8s",
      // As its own manifests have it, but for the certificate: motelet signs its own unless told otherwise.
      "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
      "--kubelet-use-node-status-port",
      "--kubelet-insecure-tls",
      "--v=2",
    ],
  });
  await waitFor(
    async () => {
      const { body } = await plane.request(
        "GET",
        `/apis/apiregistration.k8s.io/v1/apiservices/${apiService}`,
      );
      return availableIn(body);
    },
    { deadlineMs: 60_000, what: "metrics.k8s.io to be available", intervalMs: 500 },
  );
  return process;
}

interface WithConditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function availableIn(body: unknown): boolean {
  const { conditions = [] } = (body as WithConditions).status ?? {};
  return conditions.some(({ type, status }) => type === "Available" && status === "True");
}

const apiService = "v1beta1.metrics.k8s.io";
const rbacVersion = "rbac.authorization.k8s.io/v1";

/** What its manifests make, without Deployment. */
function objects(port: number, caPem: string): readonly object[] {
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const roleRef = (kind: string, role: string) => ({
    apiGroup: "rbac.authorization.k8s.io",
    kind,
    name: role,
  });
  const binding = (kind: string, called: string, role: object) => ({
    apiVersion: rbacVersion,
    kind,
    metadata: { name: called, ...(kind === "RoleBinding" ? { namespace } : {}) },
    roleRef: role,
    subjects,
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    {
      apiVersion: rbacVersion,
      kind: "ClusterRole",
      metadata: { name: "system:metrics-server" },
      rules: [
        { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
        { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
      ],
    },
    binding("ClusterRoleBinding", "system:metrics-server", roleRef("ClusterRole", "system:metrics-server")),
    binding(
      "ClusterRoleBinding",
      "metrics-server:system:auth-delegator",
      roleRef("ClusterRole", "system:auth-delegator"),
    ),
    binding(
      "RoleBinding",
      "metrics-server-auth-reader",
      roleRef("Role", "extension-apiserver-authentication-reader"),
    ),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { type: "ExternalName", externalName: "localhost" },
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: apiService },
      spec: {
        group: "metrics.k8s.io",
        version: "v1beta1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(caPem).toString("base64"),
        service: { name, namespace, port },
      },
    },
  ];
}
