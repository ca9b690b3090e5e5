/**
 * Builds a release in build/release (docs/releasing.md). It works on a copy of the tracked files, so that a dry run changes
 * nothing.
 *
 *   VERSION   x.y.z; default: the next patch version
 *   DRY_RUN   1 (default) builds only; 0 also writes versions and changelog into the tree, commits and tags
 *   PUBLISH   yes also publishes the packages to npm; needs DRY_RUN=0
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { nextPatch, releaseEdits, releaseNotes } from "./edits.ts";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, "build/release");
const tree = join(folder, "tree");
const artifacts = join(folder, "artifacts");

const read = (path: string) => readFileSync(join(root, path), "utf8");
const run = (command: string, args: readonly string[], cwd = root) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const say = (line: string) => process.stdout.write(`${line}\n`);

const manifest = JSON.parse(read("package.json")) as { version: string; workspaces: string[] };
const isDryRun = (process.env.DRY_RUN || "1") !== "0";
const publishes = process.env.PUBLISH === "yes";
const next = process.env.VERSION || (isDryRun ? nextPatch(manifest.version) : "");
const date = new Date().toISOString().slice(0, 10);

if (publishes && isDryRun) throw new Error("PUBLISH=yes: expected DRY_RUN=0 too");
if (!isDryRun && run("git", ["status", "--porcelain"]).trim() !== "")
  throw new Error("DRY_RUN=0: expected a tree without uncommitted changes");

const tracked = run("git", ["ls-files", "-z"]).split("\0").filter(Boolean);
const edits = releaseEdits({ current: manifest.version, next, date }, tracked, manifest.workspaces, read);
copyTree();
for (const [path, text] of edits) writeFileSync(join(tree, path), text);
// Newer than package.json, so that make installs nothing.
writeFileSync(join(tree, "node_modules/.installed"), "");
run("make", ["-s", "pack"], tree);
collectArtifacts();
writeChecksums();
say(`${manifest.version} → ${next}: ${edits.size} files with the version or the changelog`);
for (const name of readdirSync(artifacts).toSorted()) say(`build/release/artifacts/${name}`);

if (isDryRun) say("dry run: nothing was written into the tree, committed, tagged or published");
else {
  for (const [path, text] of edits) writeFileSync(join(root, path), text);
  run("git", ["commit", "--quiet", "--message", `chore: release ${next}`, ...edits.keys()]);
  run("git", ["tag", "--annotate", `v${next}`, "--message", `motelet ${next}`]);
  say(`committed and tagged v${next}; push both when the release is to be public`);
}
if (publishes)
  for (const workspace of ["profiles", "reference", "gateway", "cli"])
    say(run("npm", ["publish", join(artifacts, `motelet-${workspace}-${next}.tgz`)]));

/** The tracked files as they are, with the installed packages, and with the workspaces of the copy itself. */
function copyTree(): void {
  rmSync(folder, { recursive: true, force: true });
  for (const path of tracked) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(root, path), join(tree, path));
  }
  const installed = join(root, "node_modules");
  mkdirSync(join(tree, "node_modules/@motelet"), { recursive: true });
  for (const name of readdirSync(installed))
    if (name !== "@motelet" && name !== ".installed")
      symlinkSync(join(installed, name), join(tree, "node_modules", name));
  for (const workspace of manifest.workspaces) {
    const { name } = JSON.parse(read(`${workspace}/package.json`)) as { name: string };
    if (name.startsWith("@motelet/")) symlinkSync(join(tree, workspace), join(tree, "node_modules", name));
  }
}

function collectArtifacts(): void {
  mkdirSync(artifacts, { recursive: true });
  for (const path of globSync("build/packages/*.tgz", { cwd: tree }))
    cpSync(join(tree, path), join(artifacts, path.slice("build/packages/".length)));
  archive(`motelet-manifests-${next}.tar.gz`, ["manifests"]);
  archive(`motelet-c-${next}.tar.gz`, [
    "LICENSE",
    "profiles/SPEC.md",
    "profiles/profile.cddl",
    "profiles/vectors",
    ...["Makefile", "README.md", "EXTENDING.md", "include", "src", "port", "example"].map(
      (name) => `firmware-sdk/c/${name}`,
    ),
  ]);
  writeFileSync(join(artifacts, "NOTES.md"), `# motelet ${next}\n\n${releaseNotes(read("CHANGELOG.md"))}\n`);
}

/** The same bytes for the same files: sorted, without owners, times of the day of the release. */
function archive(name: string, paths: readonly string[]): void {
  const stable = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=${date}T00:00:00Z`];
  run("tar", [...stable, "--use-compress-program=gzip -n", "-cf", join(artifacts, name), ...paths], tree);
}

function writeChecksums(): void {
  const lines = readdirSync(artifacts)
    .toSorted()
    .map((name) => {
      const digest = createHash("sha256").update(readFileSync(join(artifacts, name)));
      return `${digest.digest("hex")}  ${name}\n`;
    });
  writeFileSync(join(artifacts, "SHA256SUMS"), lines.join(""));
}
