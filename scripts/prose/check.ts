/**
 * Refuses the wordings of phrases.ts in the project's texts. With --count it lists the files that it checks with
 * --code only, most hits first, and never fails.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exemptions } from "./exemptions.ts";
import { findPhrases, type Hit } from "./find-phrases.ts";

const root = join(import.meta.dirname, "../..");
const texts = ["**/*.md", ".github/**/*.{md,yml}", "manifests/**/*.yaml", "gateway/scripts/**/*.yaml"];
const code = ["*/**/*.{ts,c,h,cpp}"];

const read = (path: string) => readFileSync(join(root, path), "utf8");
const exclude = ["**/node_modules/**", "**/dist/**", "build/**", "scripts/prose/**"];
const hitsIn = (patterns: readonly string[]): Hit[] =>
  globSync(patterns, { cwd: root, exclude })
    .toSorted()
    .flatMap((path) => findPhrases(path, read(path)));

if (process.argv.includes("--count")) {
  const byFile = Map.groupBy(hitsIn(code), ({ path }) => path);
  const rows = [...byFile].toSorted(([, a], [, b]) => b.length - a.length);
  for (const [path, hits] of rows) process.stdout.write(`${hits.length}\t${path}\n`);
  process.stdout.write(`${rows.reduce((sum, [, hits]) => sum + hits.length, 0)}\tin comments of code\n`);
} else {
  const used = new Set<unknown>();
  const hits = hitsIn(texts).filter(({ path, line }) => {
    const lineText = read(path).split("\n")[line - 1] ?? "";
    const exemption = exemptions.find((known) => known.path === path && lineText.includes(known.text));
    used.add(exemption);
    return exemption === undefined;
  });
  for (const { path, line, found, phrase } of hits)
    process.stderr.write(`${path}:${line}: "${found}": write ${phrase.write}\n`);
  for (const { path, text } of exemptions.filter((known) => !used.has(known)))
    process.stderr.write(`scripts/prose/exemptions.ts: "${text}" of ${path} matches nothing: remove it\n`);
  if (hits.length > 0 || exemptions.some((known) => !used.has(known))) process.exitCode = 1;
}
