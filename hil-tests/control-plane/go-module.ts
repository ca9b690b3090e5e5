import { readFileSync } from "node:fs";
import path from "node:path";
import { RigError } from "../rig/errors.ts";

/** A program that a Go module of this repository pins. */
export interface GoTool {
  /** File name of the binary: "kube-apiserver". */
  readonly name: string;
  /** Import path of its main package. */
  readonly package: string;
}

/** What a `go.mod` of this repository says about the programs to build from it. */
export interface GoModule {
  readonly folder: string;
  /** "kubernetes" of `kubernetes-1.37`, "kwok" of `peers/kwok`. */
  readonly product: string;
  /** Version of the module that holds the tools, without the v: "1.37.1". */
  readonly version: string;
  /** Import path of that module. */
  readonly path: string;
  /** The least Go that builds it, from the `go` line: "1.26.0". */
  readonly goVersion: string;
  readonly tools: readonly GoTool[];
}

/** Programs whose import path does not end with their name. */
const namesByPackage: Readonly<Record<string, string>> = { "go.etcd.io/etcd/server/v3": "etcd" };

/**
 * Reads `go.mod` text. All tools must come from one required module, whose version names the cache folder.
 * @throws RigError BAD_GO_MODULE
 */
export function parseGoModule(text: string, folder: string): GoModule {
  const goVersion = /^go (\d+\.\d+(?:\.\d+)?)\s*$/m.exec(text)?.[1];
  const packages = listOf("tool", text).map((line) => line.split(/\s/, 1)[0] ?? "");
  const requirements = listOf("require", text)
    .map((line) => /^(\S+) v(\S+)/.exec(line))
    .flatMap((match) => (match?.[1] && match[2] ? [{ path: match[1], version: match[2] }] : []));
  const first = packages[0] ?? "";
  const source = requirements
    .filter((module) => packages.every((name) => `${name}/`.startsWith(`${module.path}/`)))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (!goVersion || first === "" || !source) {
    const missing = goVersion ? "a tool line whose module it requires" : "a go line";
    throw new RigError("BAD_GO_MODULE", `${path.join(folder, "go.mod")} has no ${missing}`);
  }
  return {
    folder,
    product: path.basename(folder).replace(/-\d+(?:\.\d+)*$/, ""),
    version: source.version,
    path: source.path,
    goVersion,
    tools: packages.map((name) => ({
      name: namesByPackage[name] ?? path.posix.basename(name),
      package: name,
    })),
  };
}

/** Reads the `go.mod` of a folder. */
export function readGoModule(folder: string): GoModule {
  return parseGoModule(readFileSync(path.join(folder, "go.mod"), "utf8"), folder);
}

/** The entries of a directive, in its one-line and its block form, without comments. */
function listOf(directive: string, text: string): string[] {
  const entries: string[] = [];
  const form = new RegExp(`^${directive} (?:\\(([^)]*)\\)|(.+))$`, "gm");
  for (const [, block, single] of text.matchAll(form)) entries.push(...(block ?? single ?? "").split("\n"));
  return entries.map((line) => line.replace(/\/\/.*$/, "").trim()).filter((line) => line !== "");
}

/** The flags that tell the program its own version: a build from the module cache knows none. */
export function linkerFlags(module: GoModule): string {
  if (module.path !== "k8s.io/kubernetes") return "-s -w";
  const [major = "", minor = ""] = module.version.split(".");
  const facts = { gitVersion: `v${module.version}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const settings = Object.entries(facts).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ["-s", "-w", ...settings].join(" ");
}
