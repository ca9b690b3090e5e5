import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { RigError } from "../rig/errors.ts";
import { BuildProgress } from "./build-progress.ts";
import { type BuildOptions, ensureTools, missingTools } from "./build-tools.ts";

/** The programs of a control plane. */
const programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"] as const;
type Program = (typeof programs)[number];

/** Absolute path of each program. */
export type Assets = Readonly<Record<Program, string>>;

/** What `KUBEBUILDER_ASSETS` must hold (the set that setup-envtest installs); the others are built. */
const kubebuilderPrograms: readonly Program[] = ["kube-apiserver", "etcd", "kubectl"];

export interface AssetOptions extends BuildOptions {
  /** "1.37": a folder `kubernetes-1.37` next to this file. Default: the environment's `KUBERNETES`, else the newest there is. */
  readonly kubernetes?: string;
  /** Default: the environment's `KUBEBUILDER_ASSETS`. A version asked for by name takes precedence. */
  readonly kubebuilderAssets?: string;
}

/** The versions for which there is a module, `major.minor`, oldest first. */
export function availableVersions(product: string, folder: string = import.meta.dirname): string[] {
  const minorOf = (version: string): number => Number(version.split(".")[1]);
  return readdirSync(folder)
    .map((name) => new RegExp(`^${product}-(\\d+\\.\\d+)$`).exec(name)?.[1])
    .filter((version) => version !== undefined)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || minorOf(a) - minorOf(b));
}

/** What the environment's `KUBERNETES` asks for, so that `make test-suites KUBERNETES=1.35` runs on that version. */
function wishedVersion(): string | undefined {
  return process.env.KUBERNETES || undefined;
}

/**
 * The Kubernetes of a control plane, `major.minor`: the one asked for, else the newest there is.
 * @throws RigError UNKNOWN_VERSION
 */
export function kubernetesVersion(wished: string | undefined = wishedVersion()): string {
  const versions = availableVersions("kubernetes");
  const version = wished ?? versions.at(-1);
  if (version !== undefined && versions.includes(version)) return version;
  throw new RigError(
    "UNKNOWN_VERSION",
    `no module builds Kubernetes ${version}; there is ${versions.join(", ")} (generate-module.ts adds one)`,
  );
}

/**
 * Finds the programs of a control plane, building those that are not cached yet (minutes, with progress on stderr).
 * @throws RigError UNKNOWN_VERSION, INCOMPLETE_ASSETS, and what `ensureTools` throws
 */
export async function findAssets(options: AssetOptions = {}): Promise<Assets> {
  const wished = options.kubernetes ?? wishedVersion();
  const version = kubernetesVersion(wished);
  const given = wished ? undefined : (options.kubebuilderAssets ?? process.env.KUBEBUILDER_ASSETS);
  const found = given ? givenPrograms(path.resolve(given)) : {};
  const needed = programs.filter((program) => found[program] === undefined);
  const folderOf = (product: string, minor = ""): string =>
    path.join(import.meta.dirname, `${product}-${minor}`);
  const kubernetesFolder = folderOf("kubernetes", version);
  const kubernetesPrograms = needed.filter((program) => program !== "etcd");
  const build: BuildOptions = { ...options, progress: options.progress ?? new BuildProgress() };
  const afterwards = missingTools(kubernetesFolder, kubernetesPrograms, options.cache);
  const etcd = needed.includes("etcd")
    ? await ensureTools(folderOf("etcd", availableVersions("etcd").at(-1)), ["etcd"], {
        ...build,
        afterwards,
      })
    : {};
  const kubernetes = await ensureTools(kubernetesFolder, kubernetesPrograms, build);
  return { ...found, ...etcd, ...kubernetes } as Assets;
}

function givenPrograms(folder: string): Partial<Record<Program, string>> {
  const there = programs.filter((program) => existsSync(path.join(folder, program)));
  const missing = kubebuilderPrograms.filter((program) => !there.includes(program));
  if (missing.length > 0) {
    throw new RigError(
      "INCOMPLETE_ASSETS",
      `KUBEBUILDER_ASSETS is ${folder}, which has no ${missing.join(", ")}`,
    );
  }
  return Object.fromEntries(there.map((program) => [program, path.join(folder, program)]));
}
