/** What a release changes in the tree. Pure: texts in, texts out. */

export interface ReleaseVersion {
  readonly current: string;
  readonly next: string;
  /** YYYY-MM-DD */
  readonly date: string;
}

/** Words before the version in sources and docs. Each must be somewhere, or the release stops. */
const mentions = ["motelet-c ", "motelet-reference ", "newTag: ", "registry.example/motelet:", "-motelet."];

/** Files that may have such a mention. Tests choose versions of their own. */
function mayMention(path: string): boolean {
  return /\.(?:ts|[ch]|md|yaml)$/.test(path) && !/\.test\.ts$|\/testdata\/|^CHANGELOG\.md$/.test(path);
}

const semver = /^(\d+)\.(\d+)\.(\d+)$/;

/** @throws Error unless `next` is a version x.y.z above `current` */
export function checkVersion({ current, next }: ReleaseVersion): void {
  const [from, to] = [current, next].map((text) => semver.exec(text)?.slice(1).map(Number));
  if (from === undefined || to === undefined) throw new Error(`version ${next}: expected x.y.z`);
  const differing = to.findIndex((part, at) => part !== from[at]);
  if (differing < 0 || (to[differing] ?? 0) < (from[differing] ?? 0))
    throw new Error(`version ${next}: expected a version above ${current}`);
}

/** The version after `current` that changes the least. */
export function nextPatch(current: string): string {
  const [major, minor, patch] = current.split(".").map(Number);
  return `${major}.${minor}.${(patch ?? 0) + 1}`;
}

/**
 * The changed files of a release, by path.
 * @param paths all files of the repository
 * @param workspaces folders of the npm workspaces
 * @param read the present text of a file
 * @throws Error naming the file whose version or changelog is not as expected
 */
export function releaseEdits(
  version: ReleaseVersion,
  paths: readonly string[],
  workspaces: readonly string[],
  read: (path: string) => string,
): Map<string, string> {
  checkVersion(version);
  const { current, next, date } = version;
  const edits = new Map<string, string>();
  const found = new Set<string>();
  for (const path of paths.filter(mayMention)) {
    const text = read(path);
    const known = mentions.filter((before) => text.includes(before + current));
    for (const before of known) found.add(before);
    if (known.length > 0)
      edits.set(
        path,
        known.reduce((all, before) => all.replaceAll(before + current, before + next), text),
      );
  }
  for (const before of mentions)
    if (!found.has(before)) throw new Error(`expected "${before}${current}" in a source or page`);
  for (const folder of ["", ...workspaces]) {
    const path = folder === "" ? "package.json" : `${folder}/package.json`;
    edits.set(path, withVersion(path, read(path), version));
  }
  edits.set("package-lock.json", withLockedVersions(read("package-lock.json"), workspaces, version));
  edits.set("CHANGELOG.md", releasedChangelog(read("CHANGELOG.md"), next, date));
  return edits;
}

const unreleased = "## Unreleased\n";

/** The changelog with its unreleased entries under the new version. */
export function releasedChangelog(text: string, version: string, date: string): string {
  releaseNotes(text);
  return text.replace(unreleased, `${unreleased}\n## ${version} - ${date}\n`);
}

/** The unreleased entries. @throws Error if there are none */
export function releaseNotes(changelog: string): string {
  const start = changelog.indexOf(unreleased);
  if (start < 0) throw new Error(`CHANGELOG.md: expected the heading "${unreleased.trim()}"`);
  const [notes = ""] = changelog.slice(start + unreleased.length).split(/^## /m);
  if (!/^- /m.test(notes)) throw new Error("CHANGELOG.md: expected an entry under Unreleased");
  return notes.trim();
}

/** A manifest with its version and those of its workspace dependencies, formatted as before. */
function withVersion(path: string, text: string, { current, next }: ReleaseVersion): string {
  if (!text.includes(`"version": "${current}"`)) throw new Error(`${path}: expected version ${current}`);
  return text
    .replace(`"version": "${current}"`, `"version": "${next}"`)
    .replaceAll(/("@motelet\/[\w-]+": )"([^"]+)"/g, (whole, name: string, found: string) =>
      found === current ? `${name}"${next}"` : whole,
    );
}

interface LockedPackage {
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function withLockedVersions(text: string, workspaces: readonly string[], { next }: ReleaseVersion): string {
  const lock = JSON.parse(text) as { version: string; packages: Record<string, LockedPackage> };
  lock.version = next;
  for (const folder of ["", ...workspaces]) {
    const entry = lock.packages[folder];
    if (entry === undefined) throw new Error(`package-lock.json: expected the workspace ${folder}`);
    if (entry.version !== undefined) entry.version = next;
    for (const dependencies of [entry.dependencies, entry.devDependencies])
      for (const name of Object.keys(dependencies ?? {}))
        if (dependencies !== undefined && name.startsWith("@motelet/")) dependencies[name] = next;
  }
  return `${JSON.stringify(lock, null, 2)}\n`;
}
