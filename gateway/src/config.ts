import { logLevels } from "./foundation/log.ts";
import {
  integer,
  ipAddress,
  list,
  oneOf,
  port,
  type Settings,
  setting,
  text,
  type ValuesOf,
  yesNo,
} from "./foundation/setting.ts";
import { certificateModes } from "./kubelet/certificates/certificate-source.ts";
import { defaultLogLimits } from "./store/log-store.ts";
import { carrierSettings } from "./transport/carriers.ts";

/**
 * Everything that can be set, by dotted key. The environment variable of `mqtt.port` is MOTELET_MQTT_PORT, its flag
 * `--mqtt-port`, in a file it is `mqtt: {port: 1883}`. Milliseconds, seconds and bytes where the name says so.
 */
export const settings = {
  "kubernetes.kubeconfig": setting(
    text,
    "",
    "kubeconfig file; empty: the files of KUBECONFIG, else the pod's credentials, else ~/.kube/config",
  ),
  "kubernetes.context": setting(text, "", "context of that kubeconfig; empty: its current one"),
  "kubernetes.namespaces": setting(
    list,
    ["default"] as readonly string[],
    "namespaces whose Devices are served; `*` alone: all",
  ),
  "kubernetes.homeNamespace": setting(
    text,
    "default",
    "its Devices give Nodes of their own name; those of others get a prefix",
  ),
  "node.address": setting(
    ipAddress,
    "127.0.0.1",
    "IP address by which the API server reaches this gateway: InternalIP of every Node",
  ),
  "kubelet.host": setting(text, "0.0.0.0", "address on which the kubelet API listens"),
  "kubelet.port": setting(port, 10_250, "port of the kubelet API; 0: any free one"),
  "kubelet.declareWebSockets": setting(
    yesNo,
    false,
    "Kubernetes 1.36 and newer: the API server passes WebSockets on to the gateway instead of translating them to SPDY",
  ),
  "kubelet.servingCertificate": setting(
    oneOf(certificateModes),
    "self-signed",
    "where the kubelet API's certificate comes from; csr: the cluster signs it, somebody else approves",
  ),
  "kubelet.certFile": setting(
    text,
    "",
    "for files: PEM certificate of the kubelet API; read again when it changes",
  ),
  "kubelet.keyFile": setting(text, "", "for files: PEM key of that certificate"),
  "kubelet.certificateLifetimeS": setting(
    integer(0, 315_360_000),
    0,
    "for csr: the lifetime to ask for, at least 600 s; 0: what the signer gives",
  ),
  "kubelet.portPerNode": setting(
    yesNo,
    false,
    "whether each Node has a port and a certificate of its own, beside the shared port",
  ),
  "kubelet.firstNodePort": setting(integer(1, 65_535), 10_300, "the first port of Nodes"),
  "kubelet.nodePorts": setting(
    integer(1, 10_000),
    500,
    "how many ports there are for Nodes; those beyond have the shared one",
  ),
  "kubelet.clientCaFile": setting(
    text,
    "",
    "PEM bundle that signs the API server's client certificate, read again when it changes; empty: the cluster's own",
  ),
  ...carrierSettings,
  "session.heartbeatS": setting(
    integer(1, 3600),
    10,
    "interval of heartbeats; silence of 2.5 of them makes a device Offline",
  ),
  "mirror.readyBurst": setting(integer(1, 10_000), 50, "changes of Ready that are written at once"),
  "mirror.readyPerSecond": setting(
    integer(1, 1000),
    5,
    "changes of Ready a second beyond that: each costs the controller manager requests",
  ),
  "mirror.maxNodesWithPodCIDR": setting(
    integer(0, 10_000),
    32,
    "Nodes that are made where the cluster gives each a pod range",
  ),
  "mirror.foreignPods": setting(
    yesNo,
    true,
    "whether Pods of others that reach a mote get a reason and an Event",
  ),
  "store.path": setting(
    text,
    ":memory:",
    "file of the embedded store; `:memory:` keeps nothing over a restart",
  ),
  "logs.bootBytes": setting(
    integer(65_536, 2 ** 30),
    defaultLogLimits.bootBytes,
    "log of one boot of one device, of which two are kept; 128 bytes a line count beside its text",
  ),
  "logs.totalBytes": setting(
    integer(1_048_576, 2 ** 40),
    defaultLogLimits.totalBytes,
    "logs of all devices; beyond it the longest ones lose their oldest lines",
  ),
  "operations.host": setting(text, "127.0.0.1", "address of /metrics, /healthz and /readyz"),
  "operations.port": setting(port, 9095, "port of /metrics, /healthz and /readyz; 0: any free one"),
  "log.level": setting(oneOf(logLevels), "info", "least level that is logged"),
} as const satisfies Settings;

export type SettingKey = keyof typeof settings;
export const settingKeys = Object.keys(settings) as SettingKey[];

/** The effective configuration: a value for every setting. */
export type Config = ValuesOf<typeof settings>;

/** Where a value came from, for people. */
export type ConfigSource = "preset" | "file" | "environment" | "flag";

/** `kubernetes.homeNamespace` → `MOTELET_KUBERNETES_HOME_NAMESPACE` */
export function environmentName(key: string): string {
  return `MOTELET_${key
    .replaceAll(".", "_")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .toUpperCase()}`;
}

/** `kubernetes.homeNamespace` → `--kubernetes-home-namespace` */
export function flagName(key: string): string {
  return `--${key
    .replaceAll(".", "-")
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase()}`;
}
