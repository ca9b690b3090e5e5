import path from "node:path";
import { RigError } from "../rig/errors.ts";
import { availableVersions, findAssets, kubernetesVersion } from "./assets.ts";
import { type BuildOptions, ensureTools } from "./build-tools.ts";

/** The kubectl versions, `major.minor`, that can be had, oldest first: those that come with a control plane, and older ones alone. */
export function kubectlVersions(): readonly string[] {
  return [...availableVersions("kubectl"), ...availableVersions("kubernetes")];
}

/**
 * Finds the kubectl of a version, building it if it is not cached yet.
 * @param version `major.minor`; default: that of the control plane that the environment asks for
 * @returns its absolute path
 * @throws RigError UNKNOWN_VERSION, and what `ensureTools` throws
 */
export async function findKubectl(version?: string, options: BuildOptions = {}): Promise<string> {
  if (version === undefined || availableVersions("kubernetes").includes(version))
    return (await findAssets({ ...options, kubernetes: kubernetesVersion(version) })).kubectl;
  if (!availableVersions("kubectl").includes(version))
    throw new RigError(
      "UNKNOWN_VERSION",
      `no module builds kubectl ${version}; there is ${kubectlVersions().join(", ")} (generate-module.ts adds one)`,
    );
  const { kubectl = "" } = await ensureTools(
    path.join(import.meta.dirname, `kubectl-${version}`),
    ["kubectl"],
    options,
  );
  return kubectl;
}
