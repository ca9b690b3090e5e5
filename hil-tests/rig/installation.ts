import { fileURLToPath } from "node:url";
import { RigError } from "./errors.ts";
import type { CommandResult } from "./run-command.ts";

export const gatewayNamespace = "motelet-system";
export const gatewayAccount = "motelet-gateway";

/** How the rig talks to a cluster; a ControlPlane is one. */
export interface Kubectl {
  kubectl(
    args: readonly string[],
    options?: { input?: string | Uint8Array; timeoutMs?: number; kubeconfig?: string },
  ): Promise<CommandResult>;
}

/**
 * Runs kubectl and returns what it printed.
 * @throws RigError KUBECTL_FAILED with what it said
 */
export async function kubectlOk(cluster: Kubectl, ...args: readonly string[]): Promise<string> {
  return succeeded(args, await cluster.kubectl(args));
}

/** Applies YAML or JSON text. */
export async function apply(cluster: Kubectl, manifest: string): Promise<void> {
  const args = ["apply", "-f", "-"];
  succeeded(args, await cluster.kubectl(args, { input: manifest }));
}

function succeeded(args: readonly string[], result: CommandResult): string {
  if (result.code === 0) return result.stdout.toString();
  throw new RigError(
    "KUBECTL_FAILED",
    `kubectl ${args.join(" ")} ended with ${result.code}: ${result.stderr.trim() || result.stdout.toString().trim()}`,
  );
}

/** Installs CRDs, the gateway's ServiceAccount and its rights, as a user would with `kubectl apply -k manifests/base`. */
export async function install(cluster: Kubectl): Promise<void> {
  const base = fileURLToPath(new URL("../../manifests/base", import.meta.url));
  await kubectlOk(cluster, "apply", "-k", base);
  await kubectlOk(cluster, "wait", "--for=condition=Established", "crd/devices.motelet.dev", "--timeout=30s");
}

/** The three lines (and a port if there is one) that make a Device. */
export function deviceManifest(name: string, options: { namespace?: string; port?: string } = {}): string {
  const spec =
    options.port === undefined
      ? ""
      : `spec:\n  links:\n    - carrier: serial\n      port: ${JSON.stringify(options.port)}\n`;
  return `apiVersion: motelet.dev/v1alpha1\nkind: Device\nmetadata:\n  name: ${name}\n  namespace: ${options.namespace ?? "default"}\n${spec}---\n`;
}

/** What a device needs to come over MQTT. */
export interface WireIdentity {
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
}

/** Reads the Secret that the gateway made for a device; undefined until it is there. */
export async function identityOf(
  cluster: Kubectl,
  device: string,
  namespace = "default",
): Promise<WireIdentity | undefined> {
  const result = await cluster.kubectl([
    "get",
    "secret",
    `${device}-identity`,
    "-n",
    namespace,
    "-o",
    "json",
  ]);
  if (result.code !== 0) return undefined;
  const fields = (JSON.parse(result.stdout.toString()) as { data: Record<string, string> }).data;
  const text = (key: string) => Buffer.from(fields[key] ?? "", "base64").toString();
  return { wireId: text("wireId"), generation: Number(text("generation")), password: text("password") };
}
