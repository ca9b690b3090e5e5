import type { BuildContext } from "./build-context.ts";
import type { DevicePlane } from "./devices/device-plane.ts";
import type { Registry } from "./devices/registry.ts";
import type { UsageSamples } from "./devices/usage/usage.ts";
import type { HttpKubeClient } from "./kubeapi/client.ts";
import { ClientCaFile } from "./kubelet/certificates/client-ca-file.ts";
import { NodePorts } from "./kubelet/certificates/node-ports.ts";
import { ServingCertificates } from "./kubelet/certificates/serving-certificates.ts";
import { KubeletServer, type KubeletServerOptions } from "./kubelet/server.ts";
import { shellExec } from "./programs/sh/shell-exec.ts";
import { copyingExec } from "./programs/tar/copying-exec.ts";
import type { Store } from "./store/store.ts";

/** The parts that the kubelet API needs. */
export interface KubeletBasis {
  readonly kube: HttpKubeClient;
  readonly store: Store;
  readonly registry: Registry;
  readonly plane: DevicePlane;
  readonly usage: UsageSamples;
  readonly pods: KubeletServerOptions["pods"];
}

/** The kubelet API, listening. */
export interface RunningKubelet {
  readonly server: KubeletServer;
  readonly port: number;
  /** Nodes that have their own port, by name; absent: all use the shared one. */
  readonly nodePorts?: ReadonlyMap<string, number>;
}

/**
 * Resolves when the kubelet API listens.
 * @throws ConfigError for an address on which it cannot listen, and for certificate files that cannot be used
 */
export async function startKubelet(context: BuildContext, basis: KubeletBasis): Promise<RunningKubelet> {
  const { config, clock, log, metrics, parts } = context;
  const certificates = certificatesOf(context, basis);
  const certificate = parts.use(certificates.sourceOf());
  const clientCaFile = config["kubelet.clientCaFile"];
  const clientCa =
    clientCaFile === ""
      ? undefined
      : parts.use(new ClientCaFile({ path: clientCaFile, clock, log, meters: certificates.meters }));
  const server: KubeletServer = parts.use(
    new KubeletServer({
      ...served(context, basis),
      host: config["kubelet.host"],
      port: config["kubelet.port"],
      certificate: await certificate.start((next) => server.useCertificate(next)),
      clock,
      log,
      metrics,
      ...(clientCa === undefined ? {} : { clientCa: clientCa.read() }),
    }),
  );
  const { port } = await server.start();
  clientCa?.watch((pem) => server.useClientCa(pem));
  if (!config["kubelet.portPerNode"]) return { server, port };
  const nodePorts = parts.use(nodePortsOf(context, basis, { server, port, certificates }));
  nodePorts.start();
  return { server, port, nodePorts: nodePorts.ports };
}

/** What the kubelet API answers from. */
function served({ clock, metrics }: BuildContext, basis: KubeletBasis) {
  const { kube, registry, plane, usage, pods } = basis;
  const { attach, files, dial, invoke } = plane.verbs;
  const exec = copyingExec({ exec: plane.verbs.exec, files, registry, clock, metrics });
  return {
    kube,
    registry,
    exec: shellExec({ exec, attach, files, registry, clock, metrics }),
    attach,
    dial,
    invoke,
    logs: plane.logs,
    usage,
    pods,
  };
}

function certificatesOf(
  { config, clock, log, metrics }: BuildContext,
  { kube, store: { keyValues } }: KubeletBasis,
): ServingCertificates {
  return new ServingCertificates({
    mode: config["kubelet.servingCertificate"],
    address: config["node.address"],
    certFile: config["kubelet.certFile"],
    keyFile: config["kubelet.keyFile"],
    lifetimeS: config["kubelet.certificateLifetimeS"],
    kube,
    keyValues,
    clock,
    log,
    metrics,
  });
}

function nodePortsOf(
  { config, log, metrics }: BuildContext,
  { registry, store: { keyValues } }: KubeletBasis,
  shared: {
    readonly server: KubeletServer;
    readonly port: number;
    readonly certificates: ServingCertificates;
  },
): NodePorts {
  const { server, port, certificates } = shared;
  return new NodePorts({
    registry,
    firstPort: config["kubelet.firstNodePort"],
    count: config["kubelet.nodePorts"],
    sharedPort: port,
    keyValues,
    log,
    metrics,
    certificateOf: (nodeName) => certificates.sourceOf(nodeName),
    open: (nodeName, listening) => server.openNode(nodeName, listening),
    closed: (nodeName) => certificates.forget(nodeName),
  });
}
