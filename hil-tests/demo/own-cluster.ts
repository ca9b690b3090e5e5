import { startControlPlane } from "../control-plane/control-plane.ts";
import { gatewayAccount, gatewayNamespace, install } from "../rig/installation.ts";
import type { DemoCluster } from "./demo-cluster.ts";

const daySeconds = 86_400;

/** A control plane of the demo's own, on loopback; it is gone when the demo ends. */
export async function ownCluster(signal: AbortSignal): Promise<DemoCluster> {
  const controlPlane = await startControlPlane({ signal });
  try {
    await install(controlPlane);
    const token = await controlPlane.serviceAccountToken(gatewayNamespace, gatewayAccount, daySeconds);
    return {
      kubectl: (args, options) => controlPlane.kubectl(args, options),
      namespace: "default",
      gatewayKubeconfig: await controlPlane.kubeconfigForToken(token),
      gatewaySettings: { "kubelet.host": "127.0.0.1", "node.address": "127.0.0.1" },
      shellLines: [
        `export KUBECONFIG=${controlPlane.adminKubeconfigPath}`,
        `alias kubectl=${controlPlane.kubectlPath}`,
      ],
      failed: controlPlane.failed,
      [Symbol.asyncDispose]: () => controlPlane.stop(),
    };
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}
