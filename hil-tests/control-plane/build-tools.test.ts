import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { RigError } from "../rig/errors.ts";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { findAssets } from "./assets.ts";
import { BuildProgress } from "./build-progress.ts";
import { ensureTools } from "./build-tools.ts";
import { cacheFolder } from "./cache-folder.ts";

/**
 * A Go that notes its calls and links nothing: `slow` becomes a file after a moment, `broken` fails.
 * It does not check flags, modules or the toolchain's version beyond what it says about itself.
 */
const fakeGo = `#!/bin/sh
[ "$1" = env ] && { echo go1.26.99; exit 0; }
while [ "$1" != -o ]; do shift; done
echo "$2 $GOFLAGS $GOTOOLCHAIN $CGO_ENABLED" >> "$FAKE_GO_CALLS"
case $2 in *broken*) echo "undefined: everything" >&2; exit 1 ;; esac
sleep 0.3
echo '#!/bin/sh' > "$2"; chmod +x "$2"
`;

const scratch = makeTemporaryFolder("motelet-build-");
const calls = path.join(scratch.path, "calls");
const cache = path.join(scratch.path, "cache");
const moduleFolder = path.join(scratch.path, "thing-1.2");
const original = { PATH: process.env.PATH, GOFLAGS: process.env.GOFLAGS };

before(() => {
  const bin = path.join(scratch.path, "bin");
  mkdirSync(bin);
  mkdirSync(moduleFolder);
  writeFileSync(path.join(bin, "go"), fakeGo);
  chmodSync(path.join(bin, "go"), 0o755);
  writeFileSync(
    path.join(moduleFolder, "go.mod"),
    "module x\ngo 1.26.0\nrequire a.example/thing v1.2.3\ntool (\n\ta.example/thing/slow\n\ta.example/thing/broken\n)\n",
  );
  process.env.PATH = `${bin}${path.delimiter}${process.env.PATH}`;
  process.env.GOFLAGS = "-mod=vendor";
  process.env.FAKE_GO_CALLS = calls;
});

after(async () => {
  process.env.PATH = original.PATH;
  if (original.GOFLAGS === undefined) delete process.env.GOFLAGS;
  else process.env.GOFLAGS = original.GOFLAGS;
  delete process.env.FAKE_GO_CALLS;
  await scratch[Symbol.asyncDispose]();
});

const quiet = () => new BuildProgress({ write: () => {} });

test("two callers at once build a program once, and a third finds it; a broken-off build is swept away", async () => {
  const target = path.join(cache, "thing-1.2.3");
  mkdirSync(target, { recursive: true });
  writeFileSync(path.join(target, "slow.partial"), "half");
  const options = { cache, progress: quiet() };
  const [first, second] = await Promise.all([
    ensureTools(moduleFolder, ["slow"], options),
    ensureTools(moduleFolder, ["slow"], options),
  ]);
  assert.deepEqual(first, { slow: path.join(target, "slow") });
  assert.deepEqual(second, first);
  await ensureTools(moduleFolder, ["slow"], options);
  assert.deepEqual(readdirSync(target), ["slow"]);
  assert.equal(readFileSync(calls, "utf8"), `${path.join(target, "slow.partial")} -mod=readonly local 0\n`);
});

test("a build that fails says what and why, and leaves no program", async () => {
  await assert.rejects(
    ensureTools(moduleFolder, ["broken"], { cache, progress: quiet() }),
    (error) =>
      error instanceof RigError &&
      error.code === "BUILD_FAILED" &&
      /a\.example\/thing\/broken 1\.2\.3 .*undefined: everything/s.test(error.message),
  );
  assert.equal(existsSync(path.join(cache, "thing-1.2.3", "broken")), false);
});

test("a program that the module does not have is refused", async () => {
  await assert.rejects(
    ensureTools(moduleFolder, ["other"], { cache }),
    (error) => error instanceof RigError && error.code === "UNKNOWN_TOOL",
  );
});

test("KUBEBUILDER_ASSETS gives the programs that it has, and must have three", async () => {
  const folder = path.join(scratch.path, "assets");
  mkdirSync(folder);
  for (const name of ["etcd", "kubectl"]) writeFileSync(path.join(folder, name), "");
  await assert.rejects(
    findAssets({ kubebuilderAssets: folder }),
    (error) =>
      error instanceof RigError &&
      error.code === "INCOMPLETE_ASSETS" &&
      /no kube-apiserver$/.test(error.message),
  );
  writeFileSync(path.join(folder, "kube-apiserver"), "");
  // The fake Go builds the two that are missing.
  const found = await findAssets({ kubebuilderAssets: folder, cache, progress: quiet() });
  assert.equal(found.etcd, path.join(folder, "etcd"));
  assert.match(found["kube-scheduler"], /cache\/kubernetes-1\.37\.1\/kube-scheduler$/);
});

test("a version for which there is no module is refused with those there are", async () => {
  await assert.rejects(
    findAssets({ kubernetes: "1.2", cache }),
    (error) => error instanceof RigError && error.code === "UNKNOWN_VERSION" && /1\.37/.test(error.message),
  );
});

test("the cache is where the environment says, and empty variables count as absent", () => {
  assert.equal(cacheFolder({ MOTELET_CACHE: "/a", XDG_CACHE_HOME: "/b" }), "/a");
  assert.equal(cacheFolder({ MOTELET_CACHE: "", XDG_CACHE_HOME: "/b" }), "/b/motelet");
  assert.match(cacheFolder({ XDG_CACHE_HOME: "" }), /\/\.cache\/motelet$/);
});
