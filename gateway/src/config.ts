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
 * All settings by dotted key. For example `mqtt.port`: environment variable MOTELET_MQTT_PORT, flag `--mqtt-port`, in a
 * file `mqtt: {port: 1883}`. The unit (ms, seconds, bytes) is in the name.
 */
export const settings = {
  "kubernetes.kubeconfig": setting(
    text,
    "",
    "kubeconfig file; empty: the files of KUBECONFIG, otherwise the pod's credentials, otherwise ~/.kube/config",
  ),
  "kubernetes.context": setting(text, "", "context of that kubeconfig; empty: the current context"),
  "kubernetes.namespaces": setting(
    list,
    ["default"] as readonly string[],
    "namespaces whose Devices the gateway serves; `*` alone: all namespaces",
  ),
  "kubernetes.homeNamespace": setting(
    text,
    "default",
    "namespace whose Nodes have the names of their Devices; in other namespaces the names get a prefix",
  ),
  "node.address": setting(
    ipAddress,
    "127.0.0.1",
    "IP address at which the API server reaches this gateway; the InternalIP of every Node",
  ),
  "kubelet.host": setting(text, "0.0.0.0", "address on which the kubelet API listens"),
  "kubelet.port": setting(port, 10_250, "port of the kubelet API; 0: any free one"),
  "kubelet.declareWebSockets": setting(
    yesNo,
    false,
    "for Kubernetes 1.36 and newer: the API server passes WebSockets on to the gateway instead of translating them to SPDY",
  ),
  "kubelet.servingCertificate": setting(
    oneOf(certificateModes),
    "self-signed",
    "source of the kubelet API's certificate; csr: the cluster signs it, and another identity approves it",
  ),
  "kubelet.certFile": setting(
    text,
    "",
    "for files: PEM certificate of the kubelet API; reloaded when it changes",
  ),
  "kubelet.keyFile": setting(text, "", "for files: PEM key of that certificate"),
  "kubelet.certificateLifetimeS": setting(
    integer(0, 315_360_000),
    0,
    "for csr: the requested lifetime, at least 600 s; 0: the signer chooses",
  ),
  "kubelet.portPerNode": setting(
    yesNo,
    false,
    "whether each Node has its own port and certificate, in addition to the shared port",
  ),
  "kubelet.firstNodePort": setting(integer(1, 65_535), 10_300, "first port of the range for Nodes"),
  "kubelet.nodePorts": setting(
    integer(1, 10_000),
    500,
    "number of ports for Nodes; Nodes beyond it use the shared port",
  ),
  "kubelet.clientCaFile": setting(
    text,
    "",
    "PEM bundle of the CA that signs the API server's client certificate, reloaded when it changes; empty: the cluster's own",
  ),
  ...carrierSettings,
  "session.heartbeatS": setting(
    integer(1, 3600),
    10,
    "interval of heartbeats; a device is Offline after a silence of 2.5 intervals",
  ),
  "mirror.readyBurst": setting(
    integer(1, 10_000),
    50,
    "number of changes of Ready that are written without delay",
  ),
  "mirror.readyPerSecond": setting(
    integer(1, 1000),
    5,
    "changes of Ready per second after that; each one costs the controller manager requests",
  ),
  "mirror.maxNodesWithPodCIDR": setting(
    integer(0, 10_000),
    32,
    "limit of Nodes if the cluster gives each Node a range of Pod addresses",
  ),
  "mirror.foreignPods": setting(
    yesNo,
    true,
    "whether Pods that motelet does not own get a reason and an Event if they are bound to a mote",
  ),
  "store.path": setting(
    text,
    ":memory:",
    "file of the embedded store; `:memory:` loses everything at a restart",
  ),
  "logs.bootBytes": setting(
    integer(65_536, 2 ** 30),
    defaultLogLimits.bootBytes,
    "limit for the log of one boot of one device; each line counts 128 bytes in addition to its text; two boots are kept",
  ),
  "logs.totalBytes": setting(
    integer(1_048_576, 2 ** 40),
    defaultLogLimits.totalBytes,
    "limit for the logs of all devices; beyond it the longest logs lose their oldest lines",
  ),
  "operations.host": setting(text, "127.0.0.1", "address of /metrics, /healthz and /readyz"),
  "operations.port": setting(port, 9095, "port of /metrics, /healthz and /readyz; 0: any free one"),
  "log.level": setting(oneOf(logLevels), "info", "minimum level that is logged"),
} as const satisfies Settings;

export type SettingKey = keyof typeof settings;
export const settingKeys = Object.keys(settings) as SettingKey[];

/** The effective configuration: a value for every setting. */
export type Config = ValuesOf<typeof settings>;

/** Where a value came from, for people. */
export type ConfigSource = "default" | "file" | "environment" | "flag";

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
