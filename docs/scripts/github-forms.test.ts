import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

const folder = join(import.meta.dirname, "../../.github");

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly { readonly type: string; readonly id?: string; readonly attributes: Attributes }[];
}
interface Attributes {
  readonly label?: string;
  readonly options?: readonly (string | { readonly label: string })[];
}

test("each issue form has what GitHub requires: name, description, labelled fields with unique ids", () => {
  const paths = globSync("ISSUE_TEMPLATE/*.yml", { cwd: folder }).filter(
    (path) => !path.endsWith("config.yml"),
  );
  assert.deepEqual(
    paths.toSorted(),
    ["board-port", "bug", "feature"].map((name) => `ISSUE_TEMPLATE/${name}.yml`),
  );
  for (const path of paths) {
    const form = parse(readFileSync(join(folder, path), "utf8")) as Form;
    assert.ok(form.name && form.description && form.body.length > 0, path);
    const ids = form.body.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, path);
    for (const { type, attributes } of form.body) {
      assert.match(type, /^(?:input|textarea|dropdown|checkboxes)$/, path);
      assert.ok(attributes.label, path);
      if (type === "dropdown" || type === "checkboxes") assert.ok(attributes.options?.length, path);
    }
  }
});

test("the files that GitHub looks for are there", () => {
  for (const name of ["SECURITY.md", "pull_request_template.md", "ISSUE_TEMPLATE/config.yml"])
    assert.ok(existsSync(join(folder, name)), name);
});
