import { homedir } from "node:os";
import path from "node:path";
import process from "node:process";

/**
 * The folder of everything that is built once for all clones of this repository:
 * `$MOTELET_CACHE`, else `$XDG_CACHE_HOME/motelet`, else `~/.cache/motelet`. Empty variables count as absent.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.MOTELET_CACHE) return path.resolve(environment.MOTELET_CACHE);
  if (environment.XDG_CACHE_HOME) return path.resolve(environment.XDG_CACHE_HOME, "motelet");
  return path.join(homedir(), ".cache", "motelet");
}
