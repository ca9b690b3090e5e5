import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkVersion, nextPatch, releasedChangelog, releaseEdits, releaseNotes } from "./edits.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json")) as { version: string; workspaces: string[] };
const current = manifest.version;
const version = (next: string) => ({ current, next, date: "2027-01-31" });

const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter(Boolean);

test("a release writes its version into packages, lock file, SDKs, manifests and docs", () => {
  const next = "97.98.99";
  const edits = releaseEdits(version(next), tracked, manifest.workspaces, read);
  const textOf = (path: string) => edits.get(path) ?? "";
  assert.ok(textOf("gateway/package.json").includes(`"@motelet/profiles": "${next}"`));
  assert.ok(textOf("firmware-sdk/c/include/mote/version.h").includes(`"motelet-c ${next}"`));
  assert.ok(textOf("manifests/gateway/kustomization.yaml").includes(`newTag: ${next}`));
  assert.ok(textOf("README.md").includes(`-motelet.${next}`));
  const lock = JSON.parse(textOf("package-lock.json")) as { packages: Record<string, { version?: string }> };
  for (const folder of ["", ...manifest.workspaces])
    assert.equal(lock.packages[folder]?.version, next, folder);
  const changed = [...edits].filter(([path, text]) => text !== read(path));
  assert.equal(changed.length, edits.size);
  assert.ok(!edits.has("docs/scripts/release/edits.test.ts"));
});

test("unreleased entries go under the new version, and a release without entries is refused", () => {
  const changelog = "# Changelog\n\n## Unreleased\n\n### Added\n\n- a\n\n## 0.1.0 - 2026-01-01\n\n- b\n";
  assert.equal(releaseNotes(changelog), "### Added\n\n- a");
  assert.equal(
    releasedChangelog(changelog, "0.2.0", "2027-01-31"),
    changelog.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 - 2027-01-31\n"),
  );
  assert.throws(() => releaseNotes("## Unreleased\n\n## 0.1.0\n\n- b\n"), /expected an entry/);
  assert.throws(() => releaseNotes("# Changelog\n"), /expected the heading/);
});

test("a version must be x.y.z and above the present one", () => {
  const check = (from: string, next: string) => checkVersion({ current: from, next, date: "" });
  for (const next of ["0.1.1", "0.2.0", "1.0.0"]) check("0.1.0", next);
  for (const next of ["0.1.0", "0.0.9", "0.1", "v0.2.0", "0.2.0-rc.1"])
    assert.throws(() => check("0.1.0", next), new RegExp(`version ${next}: expected`));
  assert.equal(nextPatch("0.1.9"), "0.1.10");
});

test("a phrase that no file has stops the release", () => {
  const files = tracked.filter((path) => path !== "manifests/gateway/kustomization.yaml");
  assert.throws(
    () => releaseEdits(version("97.98.99"), files, manifest.workspaces, read),
    new RegExp(`expected "newTag: ${current}"`),
  );
});
