import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { takeBuildLock } from "../control-plane/build-lock.ts";
import { cacheFolder } from "../control-plane/cache-folder.ts";
import { RigError } from "./errors.ts";
import { runCommand } from "./run-command.ts";

/** Python packages that a test runs, each pinned (`ansible-core==2.19.14`). */
export interface PythonPackages {
  /** Names the folder in the cache, with the versions. */
  readonly name: string;
  /** With what they need. */
  readonly packages: readonly string[];
  /** Parts of larger packages, without what those need: only files whose path begins so are kept. */
  readonly parts?: readonly { readonly package: string; readonly prefix: string }[];
}

/**
 * Installs packages once, into a folder of their own in the cache; concurrent callers wait.
 * @returns the folder: PYTHONPATH, and its `bin`
 * @throws RigError INSTALL_FAILED with pip's last lines
 */
export async function ensurePythonPackages({ name, packages, parts = [] }: PythonPackages): Promise<string> {
  const pinned = [...packages, ...parts.map((part) => part.package)]
    .join("-")
    .replaceAll(/[^a-z0-9.-]+/g, "-");
  const target = path.join(cacheFolder(), `${name}-${pinned}`);
  if (existsSync(target)) return target;
  using _lock = await takeBuildLock(`${target}.lock`, {});
  if (existsSync(target)) return target;
  const [partial, wheels] = [`${target}.partial`, `${target}.wheels`];
  try {
    for (const folder of [partial, wheels]) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
    }
    const quiet = ["--quiet", "--root-user-action=ignore", "--disable-pip-version-check"];
    await python(["-m", "pip", "install", ...quiet, "--target", partial, ...packages]);
    for (const part of parts) {
      await python(["-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, part.package]);
      await python(["-c", unpackScript, wheels, partial, part.prefix]);
    }
    await rename(partial, target);
    return target;
  } finally {
    await rm(partial, { recursive: true, force: true });
    await rm(wheels, { recursive: true, force: true });
  }
}

const unpackScript = `
import pathlib, sys, zipfile
wheels, target, prefix = sys.argv[1:]
for wheel in pathlib.Path(wheels).glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target, [name for name in archive.namelist() if name.startswith(prefix)])
`;

async function python(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand("python3", args, { timeoutMs: 900_000 });
  if (code === 0) return;
  const said = stderr.trim().split("\n").slice(-10).join("\n  ");
  throw new RigError(
    "INSTALL_FAILED",
    `python3 ${args.join(" ").slice(0, 200)} ended with ${code}:\n  ${said}`,
  );
}
