/**
 * Writes the Go module from which the binaries of one version are built:
 *
 *   node hil-tests/control-plane/generate-module.ts kubernetes 1.37.1
 *   node hil-tests/control-plane/generate-module.ts etcd 3.7.3
 *   node hil-tests/control-plane/generate-module.ts kubectl 1.30.14
 *
 * The module lands in `<product>-<major>.<minor>/`; commit its go.mod and go.sum.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const products: Record<string, { module: string; tools: readonly string[] }> = {
  kubernetes: {
    module: "k8s.io/kubernetes",
    tools: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"].map(
      (name) => `k8s.io/kubernetes/cmd/${name}`,
    ),
  },
  etcd: { module: "go.etcd.io/etcd/server/v3", tools: ["go.etcd.io/etcd/server/v3"] },
  // An older kubectl alone, for the matrix of clients.
  kubectl: { module: "k8s.io/kubernetes", tools: ["k8s.io/kubernetes/cmd/kubectl"] },
};

/**
 * k8s.io/kubernetes requires its staging modules at exactly v0.0.0 and replaces them by folders of its own
 * repository; replaces of a dependency do not count, so the module that builds it must name the published ones.
 * Pseudo-versions (k8s.io/utils v0.0.0-2026…) are real versions and stay.
 */
function stagingReplaces(goMod: string, version: string): string[] {
  const published = `v0.${version.split(".").slice(1).join(".")}`;
  return [...goMod.matchAll(/^\s+(k8s\.io\/[a-z0-9-]+) v0\.0\.0(?: .*)?$/gm)].map(
    ([, name]) => `\t${name} => ${name} ${published}`,
  );
}

const [productName = "", version = ""] = process.argv.slice(2);
const product = products[productName];
if (!product || !/^\d+\.\d+\.\d+$/.test(version)) {
  process.stderr.write(`usage: generate-module.ts ${Object.keys(products).join("|")} <major.minor.patch>\n`);
  process.exit(2);
}

const environment = { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off", GOTOOLCHAIN: "local" };
const downloaded: { GoMod: string } = JSON.parse(
  execFileSync("go", ["mod", "download", "-json", `${product.module}@v${version}`], {
    env: environment,
    encoding: "utf8",
  }),
);
const upstream = readFileSync(downloaded.GoMod, "utf8");
const goDirective = /^go (\S+)$/m.exec(upstream)?.[1] ?? "1.26.0";
const replaces = stagingReplaces(upstream, version);

const folder = path.join(import.meta.dirname, `${productName}-${version.split(".").slice(0, 2).join(".")}`);
mkdirSync(folder, { recursive: true });
writeFileSync(
  path.join(folder, "go.mod"),
  [
    `// Written by generate-module.ts ${productName} ${version}; its version is the only one there is.`,
    `module motelet.dev/hil-tests/control-plane/${path.basename(folder)}`,
    "",
    `go ${goDirective}`,
    "",
    `require ${product.module} v${version}`,
    "",
    ...(replaces.length > 0 ? ["replace (", ...replaces, ")", ""] : []),
    "tool (",
    ...product.tools.map((tool) => `\t${tool}`),
    ")",
    "",
  ].join("\n"),
);
execFileSync("go", ["mod", "tidy"], { cwd: folder, env: environment, stdio: "inherit" });
