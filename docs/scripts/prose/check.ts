/** Refuses the wordings of phrases.ts in pages, manifests, comments and texts of code; exemptions.ts has what may stay. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exemptions } from "./exemptions.ts";
import { findPhrases } from "./find-phrases.ts";

const root = join(import.meta.dirname, "../../..");
const pages = ["**/*.md", ".github/**/*.{md,yml}", "manifests/**/*.yaml", "gateway/scripts/**/*.yaml"];
const code = ["*/**/*.{ts,c,h,cpp}"];

const read = (path: string) => readFileSync(join(root, path), "utf8");
const exclude = ["**/node_modules/**", "**/dist/**", "build/**", "docs/scripts/prose/**"];
const used = new Set<unknown>();
const hits = globSync([...pages, ...code], { cwd: root, exclude })
  .toSorted()
  .flatMap((path) => findPhrases(path, read(path)))
  .filter(({ path, line }) => {
    const lineText = read(path).split("\n")[line - 1] ?? "";
    const exemption = exemptions.find((known) => known.path === path && lineText.includes(known.text));
    used.add(exemption);
    return exemption === undefined;
  });
const stale = exemptions.filter((known) => !used.has(known));
for (const { path, line, found, phrase } of hits)
  process.stderr.write(`${path}:${line}: "${found}": write ${phrase.write}\n`);
for (const { path, text } of stale)
  process.stderr.write(`docs/scripts/prose/exemptions.ts: "${text}" of ${path} matches nothing: remove it\n`);
if (hits.length > 0 || stale.length > 0) process.exitCode = 1;
