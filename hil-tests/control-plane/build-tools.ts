import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { RigError } from "../rig/errors.ts";
import { runCommand } from "../rig/run-command.ts";
import { takeBuildLock } from "./build-lock.ts";
import { BuildProgress } from "./build-progress.ts";
import { cacheFolder } from "./cache-folder.ts";
import { type GoModule, type GoTool, linkerFlags, readGoModule } from "./go-module.ts";
import { findGo, goEnvironment } from "./go-toolchain.ts";

export interface BuildOptions {
  /** Default: `cacheFolder()`. */
  readonly cache?: string;
  readonly progress?: BuildProgress;
  /** Programs that the caller will have built after these, for the estimate. */
  readonly afterwards?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A binary is linked under such a name and renamed when it is whole. */
const partialSuffix = ".partial";

/**
 * Returns the paths of programs that a Go module of this repository pins, by name, building those that are not yet in
 * `<cache>/<product>-<version>/`. Each is built once: concurrent callers, of other processes too, wait for it.
 * @param folder that of the go.mod: `hil-tests/peers/kwok`
 * @param names of the programs; default: all of the module
 * @throws RigError UNKNOWN_TOOL, NO_GO, BUILD_FAILED with the last lines of the compiler
 */
export async function ensureTools(
  folder: string,
  names?: readonly string[],
  options: BuildOptions = {},
): Promise<Record<string, string>> {
  const module = readGoModule(folder);
  const cache = options.cache ?? cacheFolder();
  const target = targetFolder(module, cache);
  const wanted = names ?? module.tools.map((tool) => tool.name);
  const unknown = wanted.find((name) => !module.tools.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    throw new RigError(
      "UNKNOWN_TOOL",
      `${path.join(folder, "go.mod")} has no tool that is called ${unknown}`,
    );
  }
  const paths = Object.fromEntries(wanted.map((name) => [name, path.join(target, name)]));
  const missing = (): GoTool[] =>
    module.tools.filter((tool) => wanted.includes(tool.name) && !existsSync(path.join(target, tool.name)));
  if (missing().length === 0) return paths;

  const progress = options.progress ?? new BuildProgress();
  const { signal } = options;
  using _lock = await takeBuildLock(`${target}.lock`, {
    onWait: () =>
      progress.say(`another process is building ${module.product} ${module.version}; waiting for it`),
    ...(signal ? { signal } : {}),
  });
  await mkdir(target, { recursive: true });
  for (const name of await readdir(target)) {
    // We hold the lock, so a partial binary is of a build that was broken off.
    if (name.endsWith(partialSuffix)) await rm(path.join(target, name), { force: true });
  }
  let left = missing();
  if (left.length === 0) return paths;
  const go = await findGo(module.goVersion, cache, (text) => progress.say(text), signal);
  const count = left.length;
  for (let tool = left[0]; tool; tool = left[0]) {
    const current = tool;
    const title = `${current.name} ${module.version}${count > 1 ? ` (${count - left.length + 1} of ${count})` : ""}`;
    const later = [...left.slice(1).map((next) => next.name), ...(options.afterwards ?? [])];
    await progress.during(title, [current.name, ...later], () =>
      buildTool(go, module, current, target, signal),
    );
    left = left.slice(1);
  }
  return paths;
}

/** Names of those programs of a module that are not yet in the cache. */
export function missingTools(folder: string, names: readonly string[], cache = cacheFolder()): string[] {
  const target = targetFolder(readGoModule(folder), cache);
  return names.filter((name) => !existsSync(path.join(target, name)));
}

function targetFolder(module: GoModule, cache: string): string {
  return path.join(cache, `${module.product}-${module.version}`);
}

async function buildTool(
  go: string,
  module: GoModule,
  tool: GoTool,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const partial = path.join(target, `${tool.name}${partialSuffix}`);
  const flags = ["build", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(module), "-o", partial];
  const built = await runCommand(go, [...flags, tool.package], {
    cwd: module.folder,
    env: goEnvironment(go),
    timeoutMs: 3_600_000,
    ...(signal ? { signal } : {}),
  });
  if (built.code !== 0) {
    await rm(partial, { force: true });
    const said = built.stderr.trim().split("\n").slice(-15).join("\n  ");
    throw new RigError(
      "BUILD_FAILED",
      `cannot build ${tool.package} ${module.version} with ${go}: exit code ${built.code}\n  ${said}`,
    );
  }
  await rename(partial, path.join(target, tool.name));
}
