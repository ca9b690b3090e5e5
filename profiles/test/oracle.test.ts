import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const packages = ["cbor2==5.6.5", "cobs==1.2.1", "pycddl==0.6.4"];

/** Installs the Python libraries once, into a folder of their own outside the tree. */
function pythonPath(): string {
  const cache =
    process.env.MOTELET_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "motelet");
  const target = join(cache, `python-${packages.join("-").replaceAll(/[^a-z0-9.-]/g, "-")}`);
  if (existsSync(target)) return target;
  const partial = `${target}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--root-user-action=ignore",
    "--target",
    partial,
    ...packages,
  ];
  execFileSync("python3", pip, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    renameSync(partial, target);
  } catch {
    rmSync(partial, { recursive: true, force: true });
  }
  return target;
}

test("independent Python libraries read the vectors and the grammar as we do", () => {
  const script = fileURLToPath(new URL("oracle.py", import.meta.url));
  const vectors = fileURLToPath(new URL("../vectors", import.meta.url));
  const grammar = fileURLToPath(new URL("../profile.cddl", import.meta.url));
  const output = execFileSync("python3", [script, vectors, grammar], {
    env: { ...process.env, PYTHONPATH: pythonPath() },
    encoding: "utf8",
  });
  assert.match(output.trim(), /^checked \d{3}$/);
});
