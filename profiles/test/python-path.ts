import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Installs Python packages once, into a folder of their own outside the tree.
 * @param packages pinned: `cbor2==5.6.5`
 * @returns the PYTHONPATH
 */
export function pythonPath(packages: readonly string[]): string {
  const cache =
    process.env.MOTELET_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "motelet");
  const target = join(cache, `python-${packages.join("-").replaceAll(/[^a-z0-9.-]/g, "-")}`);
  if (existsSync(target)) return target;
  const partial = `${target}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const pip = ["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target", partial];
  execFileSync("python3", [...pip, ...packages], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    renameSync(partial, target);
  } catch {
    rmSync(partial, { recursive: true, force: true });
  }
  return target;
}
