import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../include/mote/", import.meta.url));
const headers = globSync("**/*.h", { cwd: folder }).sort();

interface Declaration {
  readonly header: string;
  readonly name: string;
  readonly doc: string;
  /** All comments of the header up to it. */
  readonly before: string;
}

/** Types of functions, by which headers declare some without parentheses. */
const functionTypes = /^(?:mote_command_run|mote_shell_step) \w/;

/** The functions that a header declares, each with the comment right before it. */
function functionsOf(header: string): Declaration[] {
  const text = readFileSync(folder + header, "utf8")
    .replaceAll(/^#ifdef __cplusplus$[\s\S]*?^#endif$/gm, "")
    .replaceAll(/^#.*(?:\\\n.*)*$/gm, "")
    .replaceAll(/\{[^{}]*\}/g, "")
    .replaceAll(/\{[^{}]*\}/g, "");
  const declarations: Declaration[] = [];
  let [doc, before] = ["", ""];
  for (const [, comment, code] of text.matchAll(/\/\*([\s\S]*?)\*\/|([^;/]+;)/g)) {
    if (comment !== undefined) {
      before += comment;
      doc = comment;
      continue;
    }
    const statement = (code as string).trim().replaceAll(/\s+/g, " ");
    const name = /\b(mote_\w+) ?\(/.exec(statement)?.[1];
    if (!statement.startsWith("typedef") && (name || functionTypes.test(statement)))
      declarations.push({ header, name: name ?? statement, doc, before });
    else doc = "";
  }
  return declarations;
}

const safety = (text: string) => /Blocking: [^.]+\. ISR-safe: [^.]+\.\s[\s*]*Re-entrant: [^.]+\./.test(text);

test("each public function's header says whether it blocks, is safe in an interrupt, and is re-entrant", () => {
  const functions = headers.flatMap(functionsOf);
  assert.ok(functions.length > 70, `${functions.length} functions`);
  for (const { header, name, doc, before } of functions) {
    const isSaid = safety(doc) || (safety(before) && /as all\s[\s*]*functions\s[\s*]*here/.test(before));
    assert.ok(isSaid, `${header}: ${name}: expected "Blocking: …. ISR-safe: …. Re-entrant: …."`);
  }
});

test("each set of functions that a port or an application gives says from where they are called", () => {
  let found = 0;
  for (const header of headers) {
    const text = readFileSync(folder + header, "utf8");
    for (const [whole, doc, name] of text.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nstruct (\w+) \{[\s\S]*?^\};/gm,
    )) {
      if (!whole.includes("(*")) continue;
      found++;
      const said = /called[\s*][`\w\s*]*poll\b|from\s[\s*]*wherever/i;
      assert.match(whole, said, `${header}: struct ${name}: expected "called from poll", or from where else`);
      assert.ok(doc);
    }
  }
  assert.ok(found >= 8, `${found} structs`);
});
