import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { carrierNames } from "@motelet/profiles";
import { settingKeys } from "../src/config.ts";
import { buildDeviceCrd } from "../src/resources/crd.ts";
import { carriers } from "../src/transport/carriers.ts";

/* A carrier is one folder and one line of registration (docs/guides/add-a-carrier.md): what keeps it so. */

const sources = fileURLToPath(new URL("../src", import.meta.url));
const read = (path: string) => readFileSync(join(sources, path), "utf8");

/** Source without comments, so that they may give examples. */
const codeOf = (path: string) =>
  read(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");

/** Files outside transport/ that may name a carrier in their code, with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  "devices/verbs/attach.ts": "the error says to a person what is missing: a serial line",
  "devices/verbs/attached-line.ts": "the errors name the serial line whose console it is",
  "load-config.ts": "the error shows a setting as an example",
};

test("no code outside transport/ names a carrier, but for texts to people", () => {
  const files = globSync("**/*.ts", { cwd: sources }).filter(
    (file) => !file.endsWith(".test.ts") && !file.startsWith("transport/"),
  );
  const word = new RegExp(`\\b(${carrierNames.join("|")})\\b`, "i");
  const naming = files.filter((file) => word.test(codeOf(file)));
  assert.ok(files.length > 100);
  assert.deepEqual(naming.sort(), Object.keys(exceptions).sort());
});

test("each folder in transport/ is the carrier of its name, registered in carriers.ts", () => {
  const folders = globSync("transport/*/", { cwd: sources }).map((folder) => basename(folder));
  const names = carriers.map(({ name }) => name);
  assert.deepEqual(names.toSorted(), folders.sort());
  for (const name of names) assert.ok(carrierNames.includes(name), `the protocol has no carrier ${name}`);
});

test("the settings of a carrier begin with its name, and all are settings of the gateway", () => {
  for (const { name, settings } of carriers) {
    const keys = Object.keys(settings);
    assert.deepEqual(
      keys.filter((key) => !key.startsWith(`${name}.`)),
      [],
    );
    assert.deepEqual(
      keys,
      settingKeys.filter((key) => key.startsWith(`${name}.`)),
    );
  }
});

test("no two carriers have a link field of one name, and the CRD has all of them", () => {
  const fields = carriers.flatMap(({ link }) => Object.keys(link.fields));
  assert.equal(new Set(fields).size, fields.length);
  const crd = JSON.stringify(buildDeviceCrd());
  for (const { link } of carriers) {
    for (const field of Object.keys(link.fields)) assert.ok(crd.includes(`"${field}":`), field);
    for (const { rule } of link.rules) assert.ok(crd.includes(JSON.stringify(rule)), rule);
  }
});

test("what a descriptor loads is pure data: the transport and its libraries come when a gateway opens it", () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    // Types vanish, and `import()` is what `open` does.
    for (const [, target = ""] of read(file).matchAll(/^import (?!type )[^;]*?"([^"]+)";$/gm)) {
      if (target.startsWith(".")) visit(relative(sources, join(sources, dirname(file), target)));
      else if (file.startsWith("transport/")) packages.add(target);
    }
  };
  visit("transport/carriers.ts");
  assert.ok(seen.size > carriers.length);
  assert.deepEqual(
    [...packages].filter((name) => name !== "typebox" && name !== "@motelet/profiles"),
    [],
  );
});
