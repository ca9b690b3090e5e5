import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { takeBuildLock } from "../control-plane/build-lock.ts";
import { cacheFolder } from "../control-plane/cache-folder.ts";
import { findGo, goEnvironment } from "../control-plane/go-toolchain.ts";
import { RigError } from "./errors.ts";
import { runCommand } from "./run-command.ts";

/**
 * Builds the program whose sources are in a Go module of this repository, once for each state of them, into the cache.
 * @param folder that of the go.mod, whose main package it is
 * @param name of the binary
 * @returns its path
 * @throws RigError NO_GO, BUILD_FAILED with the last lines of the compiler
 */
export async function ensureSourceTool(folder: string, name: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of globSync(["*.go", "go.mod", "go.sum"], { cwd: folder }).sort())
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(path.join(folder, file)))
      .update("\0");
  const target = path.join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 12)}`);
  const program = path.join(target, name);
  if (existsSync(program)) return program;
  using _lock = await takeBuildLock(`${target}.lock`, {});
  if (existsSync(program)) return program;
  await mkdir(target, { recursive: true });
  const goVersion = /^go (\S+)/m.exec(readFileSync(path.join(folder, "go.mod"), "utf8"))?.[1] ?? "1.26.0";
  const go = await findGo(goVersion, cacheFolder(), (text) => process.stderr.write(`${text}\n`));
  const partial = `${program}.partial`;
  const flags = ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", partial, "."];
  const built = await runCommand(go, flags, { cwd: folder, env: goEnvironment(go), timeoutMs: 1_800_000 });
  if (built.code !== 0) {
    await rm(partial, { force: true });
    const said = built.stderr.trim().split("\n").slice(-15).join("\n  ");
    throw new RigError(
      "BUILD_FAILED",
      `cannot build ${name} in ${folder}: exit code ${built.code}\n  ${said}`,
    );
  }
  await rename(partial, program);
  return program;
}
