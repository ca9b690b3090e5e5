import path from "node:path";

/** Ports of 127.0.0.1 that one control plane uses. */
export interface Ports {
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

/** Files of one run; `credential-files.ts` writes them. */
export const files = {
  ca: "ca.crt",
  caKey: "ca.key",
  serving: "serving.crt",
  servingKey: "serving.key",
  serviceAccountPublic: "service-account.pub",
  serviceAccountPrivate: "service-account.key",
  kubeletClient: "apiserver-kubelet-client.crt",
  kubeletClientKey: "apiserver-kubelet-client.key",
  frontProxyCa: "front-proxy-ca.crt",
  frontProxyClient: "front-proxy-client.crt",
  frontProxyClientKey: "front-proxy-client.key",
  auditPolicy: "audit-policy.yaml",
  kubeletCa: "kubelet-ca.crt",
  adminKubeconfig: "admin.kubeconfig",
  controllerManagerKubeconfig: "controller-manager.kubeconfig",
  schedulerKubeconfig: "scheduler.kubeconfig",
} as const;

/** What distinguishes one control plane from another in its flags. */
export interface ComponentOptions {
  /** How often the controller manager looks at Nodes; default: Kubernetes' 5 s. */
  readonly nodeMonitorPeriodS?: number;
  /** How long a silent Node stays Ready; default: Kubernetes' 50 s. More than the period. */
  readonly nodeMonitorGraceS?: number;
  /** File that gets one JSON line for each request (level Metadata). */
  readonly auditLogPath?: string;
  /**
   * PEM of the authority against which kubelets' serving certificates are checked, or "own" for this cluster's.
   * Default: they are not checked, as in most clusters.
   */
  readonly kubeletCertificateAuthority?: string;
  /** Feature gates of all components that are Kubernetes'. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** More flags, for what the options do not cover. */
  readonly extraApiServerFlags?: readonly string[];
  readonly extraControllerManagerFlags?: readonly string[];
}

/** The policy of `auditLogPath`: who did what, once for each request, without bodies. */
export const auditPolicy = [
  "apiVersion: audit.k8s.io/v1",
  "kind: Policy",
  "omitStages: [RequestReceived]",
  "rules: [{level: Metadata}]",
  "",
].join("\n");

export function etcdFlags(folder: string, ports: Ports): string[] {
  const client = `http://127.0.0.1:${ports.etcdClient}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    `--data-dir=${path.join(folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data does not outlive this run: it need not reach the disk.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

export function apiServerFlags(folder: string, ports: Ports, options: ComponentOptions): string[] {
  const file = (name: keyof typeof files): string => path.join(folder, files[name]);
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${file("serving")}`,
    `--tls-private-key-file=${file("servingKey")}`,
    `--client-ca-file=${file("ca")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("serviceAccountPublic")}`,
    `--service-account-signing-key-file=${file("serviceAccountPrivate")}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    // 127.0.0.1 may not be in an Endpoints object.
    "--endpoint-reconciler-type=none",
    `--kubelet-client-certificate=${file("kubeletClient")}`,
    `--kubelet-client-key=${file("kubeletClientKey")}`,
    ...(options.kubeletCertificateAuthority ? [`--kubelet-certificate-authority=${file("kubeletCa")}`] : []),
    "--kubelet-preferred-address-types=InternalIP",
    `--requestheader-client-ca-file=${file("frontProxyCa")}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${file("frontProxyClient")}`,
    `--proxy-client-key-file=${file("frontProxyClientKey")}`,
    "--enable-aggregator-routing=true",
    "--profiling=false",
    ...(options.auditLogPath
      ? [
          `--audit-policy-file=${file("auditPolicy")}`,
          `--audit-log-path=${path.resolve(options.auditLogPath)}`,
          "--audit-log-maxsize=100",
          "--audit-log-maxbackup=1",
        ]
      : []),
    ...featureGateFlags(options),
    ...(options.extraApiServerFlags ?? []),
  ];
}

export function controllerManagerFlags(folder: string, ports: Ports, options: ComponentOptions): string[] {
  const file = (name: keyof typeof files): string => path.join(folder, files[name]);
  const { nodeMonitorPeriodS, nodeMonitorGraceS } = options;
  return [
    ...kubeconfigFlags(file("controllerManagerKubeconfig")),
    ...servingFlags(folder, ports.controllerManager),
    `--root-ca-file=${file("ca")}`,
    `--service-account-private-key-file=${file("serviceAccountPrivate")}`,
    `--cluster-signing-cert-file=${file("ca")}`,
    `--cluster-signing-key-file=${file("caKey")}`,
    "--use-service-account-credentials",
    "--controllers=*",
    "--allocate-node-cidrs=false",
    ...(nodeMonitorPeriodS === undefined ? [] : [`--node-monitor-period=${nodeMonitorPeriodS}s`]),
    ...(nodeMonitorGraceS === undefined ? [] : [`--node-monitor-grace-period=${nodeMonitorGraceS}s`]),
    ...featureGateFlags(options),
    ...(options.extraControllerManagerFlags ?? []),
  ];
}

export function schedulerFlags(folder: string, ports: Ports, options: ComponentOptions): string[] {
  return [
    ...kubeconfigFlags(path.join(folder, files.schedulerKubeconfig)),
    ...servingFlags(folder, ports.scheduler),
    ...featureGateFlags(options),
  ];
}

function kubeconfigFlags(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    "--leader-elect=false",
  ];
}

function servingFlags(folder: string, port: number): string[] {
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--tls-cert-file=${path.join(folder, files.serving)}`,
    `--tls-private-key-file=${path.join(folder, files.servingKey)}`,
    "--profiling=false",
  ];
}

function featureGateFlags(options: ComponentOptions): string[] {
  const gates = Object.entries(options.featureGates ?? {}).map(([name, on]) => `${name}=${on}`);
  return gates.length > 0 ? [`--feature-gates=${gates.join(",")}`] : [];
}
