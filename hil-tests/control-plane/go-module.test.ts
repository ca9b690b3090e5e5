import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { RigError } from "../rig/errors.ts";
import { availableVersions, kubernetesVersion } from "./assets.ts";
import { linkerFlags, parseGoModule, readGoModule } from "./go-module.ts";
import { isAtLeast } from "./go-toolchain.ts";

const moduleText = (body: string): string => `module x\n\ngo 1.26.0\n\n${body}\n`;

test("the Kubernetes module names its version and its four programs", () => {
  const module = readGoModule(path.join(import.meta.dirname, "kubernetes-1.37"));
  assert.equal(module.product, "kubernetes");
  assert.equal(module.version, "1.37.1");
  assert.deepEqual(
    module.tools.map((tool) => tool.name),
    ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"],
  );
  assert.match(linkerFlags(module), /version\.gitVersion=v1\.37\.1 .*gitMajor=1 .*gitMinor=37 /);
});

test("the etcd module's program is called etcd, though its package is not", () => {
  const module = readGoModule(path.join(import.meta.dirname, "etcd-3.7"));
  assert.equal(module.product, "etcd");
  assert.deepEqual(module.tools, [{ name: "etcd", package: "go.etcd.io/etcd/server/v3" }]);
  assert.equal(linkerFlags(module), "-s -w");
});

test("one-line directives, comments and modules whose names begin alike are understood", () => {
  const text = moduleText(
    [
      "require sigs.k8s.io/kwok v0.8.0 // pinned",
      "require (\n\tsigs.k8s.io/kwok/cmd/other v0.1.0 // indirect\n\tsigs.k8s.io/kw v9.9.9\n)",
      "tool sigs.k8s.io/kwok/cmd/kwok // the controller",
    ].join("\n"),
  );
  const module = parseGoModule(text, "/x/peers/kwok");
  assert.deepEqual([module.product, module.version, module.goVersion], ["kwok", "0.8.0", "1.26.0"]);
  assert.deepEqual(module.tools, [{ name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" }]);
});

for (const [what, text] of [
  ["no tool", moduleText("require a.example/x v1.0.0")],
  ["a tool of a module that it does not require", moduleText("require a.example/x v1.0.0\ntool b.example/y")],
  ["no go line", "module x\nrequire a.example/x v1.0.0\ntool a.example/x\n"],
] as const) {
  test(`a module with ${what} is refused`, () => {
    assert.throws(
      () => parseGoModule(text, "/x"),
      (error) => error instanceof RigError && error.code === "BAD_GO_MODULE",
    );
  });
}

test("versions are compared as numbers, and words after them do not count", () => {
  for (const version of ["1.26.0", "1.26", "1.26.8", "1.100.0", "2.0", "1.26rc1"]) {
    assert.equal(isAtLeast(version, "1.26.0"), true, version);
  }
  for (const version of ["1.25.9", "1.9.9", "0.99"])
    assert.equal(isAtLeast(version, "1.26.0"), false, version);
});

test("the versions that can be built are those of the folders beside", () => {
  assert.deepEqual(availableVersions("kubernetes"), ["1.35", "1.37"]);
  assert.deepEqual(availableVersions("nothing"), []);
});

test("a version that is asked for counts, else the newest; one that no module builds is refused", () => {
  const original = process.env.KUBERNETES;
  try {
    delete process.env.KUBERNETES;
    assert.equal(kubernetesVersion(), "1.37");
    process.env.KUBERNETES = "";
    assert.equal(kubernetesVersion(), "1.37");
    process.env.KUBERNETES = "1.35";
    assert.equal(kubernetesVersion(), "1.35");
    assert.equal(kubernetesVersion("1.37"), "1.37");
    assert.throws(() => kubernetesVersion("1.30"), { code: "UNKNOWN_VERSION" });
  } finally {
    if (original === undefined) delete process.env.KUBERNETES;
    else process.env.KUBERNETES = original;
  }
});
