import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** A fenced block; its info string names the language, and perhaps the file that contains it. */
const fence = /^```([a-z]+)(?: (\S+))?\n(.*?)^```$/gms;
/** Blocks of these languages are code of the project; what is typed or printed has no file. */
const languages = new Set(["c", "ts", "text", "json"]);

const sources = globSync("{gateway,firmware-sdk,hil-tests,profiles}/**/*.{ts,c,ld}", {
  cwd: root,
  exclude: ["**/node_modules/**", "**/dist/**"],
});
const read = (path: string) => readFileSync(join(root, path), "utf8");

test("each block of code in a guide is in a source that the tests build or run, in the one that it names", () => {
  const wrong: string[] = [];
  let blocks = 0;
  for (const guide of globSync("docs/guides/*.md", { cwd: root }))
    for (const [, language = "", path, code = ""] of read(guide).matchAll(fence)) {
      if (!languages.has(language)) continue;
      blocks += 1;
      const files = path === undefined ? sources : [path];
      if (!files.some((file) => existsSync(join(root, file)) && read(file).includes(code)))
        wrong.push(`${guide}: ${path ?? "no source"} contains:\n${code}`);
    }
  assert.deepEqual(wrong, []);
  assert.ok(blocks > 5, `${blocks} blocks`);
});
