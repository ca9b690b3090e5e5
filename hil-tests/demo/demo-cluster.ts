import type { Kubectl } from "../rig/installation.ts";

/** The cluster that a demo runs in, with the gateway's rights installed. Disposing it removes what was made. */
export interface DemoCluster extends Kubectl, AsyncDisposable {
  /** Where the demo's Devices are. */
  readonly namespace: string;
  /** Path of a kubeconfig with the gateway's own token. */
  readonly gatewayKubeconfig: string;
  readonly gatewaySettings: Readonly<Record<string, string>>;
  /** What a person types to reach it. */
  readonly shellLines: readonly string[];
  /** Resolves when the cluster breaks down. */
  readonly failed: Promise<Error>;
}
