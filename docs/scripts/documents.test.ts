import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { Value } from "typebox/value";
import { parse } from "yaml";
import { settingKeys } from "../../gateway/src/config.ts";
import { deviceProfileSpecSchema } from "../../gateway/src/resources/device-profile.ts";
import { deviceSpecSchema } from "../../gateway/src/resources/device-schema.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
const tracked = execFileSync("git", listed, { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const pages = tracked.filter((path) => path.endsWith(".md"));
const withoutBlocks = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, "");

/** Anchors as GitHub makes them from headings. */
function anchorsOf(path: string): string[] {
  return [...withoutBlocks(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every link between pages leads to a file, and to a heading that exists", () => {
  const broken = pages.flatMap((page) =>
    [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? page : normalize(join(dirname(page), file));
      if (!existsSync(join(root, path))) return [`${page}: ${target}`];
      const isKnown = anchor === undefined || (path.endsWith(".md") && anchorsOf(path).includes(anchor));
      return isKnown ? [] : [`${page}: ${target}`];
    }),
  );
  assert.deepEqual(broken, []);
});

test("every folder of the first two levels with sources has a README", () => {
  const ignored = /^(?:\.|docs\/guides\/examples|hil-tests\/(?:control-plane|peers)\/)/;
  const folders = new Set(
    tracked.flatMap((path) => {
      const [first = "", second = ""] = dirname(path).split("/");
      return second === "" ? [first] : [first, `${first}/${second}`];
    }),
  );
  const missing = [...folders].filter(
    (folder) => folder !== "." && !ignored.test(folder) && !existsSync(join(root, folder, "README.md")),
  );
  assert.deepEqual(missing, []);
});

test("each page that a comment cites is in the repository", () => {
  const names = new Set(pages.map((page) => basename(page)));
  const missing = tracked
    .filter((path) => /\.(?:ts|[ch]|cpp)$/.test(path) && path !== "docs/scripts/documents.test.ts")
    .flatMap((path) =>
      [...read(path).matchAll(/(?:^\s*(?:\/?\*+|\/\/)|\s\/\/ |\s\/\* ).*?([\w./-]*\w\.md)\b/gm)]
        .map(([, cited = ""]) => cited)
        .filter((cited) => (cited.includes("/") ? !isThere(path, cited) : !names.has(cited)))
        .map((cited) => `${path}: ${cited}`),
    );
  assert.deepEqual(missing, []);
});

function isThere(path: string, cited: string): boolean {
  return [cited, join(dirname(path), cited)].some((candidate) => existsSync(join(root, candidate)));
}

test("pages name only targets that the Makefile has", () => {
  const targets = new Set([...read("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, name]) => name));
  const unknown = pages
    .filter((page) => page !== "CHANGELOG.md" && !page.startsWith("docs/adr/"))
    .flatMap((page) =>
      [...read(page).matchAll(/(?:`|^)make ([a-z][a-z-]*)/gm)]
        .filter(([, name = ""]) => !targets.has(name) && !/^firmware-sdk\/c\//.test(page))
        .map(([, name]) => `${page}: make ${name}`),
    );
  assert.deepEqual(unknown, []);
});

test("pages name only settings that the gateway has", () => {
  const groups = [...new Set(settingKeys.map((key) => key.split(".")[0]))].join("|");
  const mention = new RegExp(`\`((?:${groups})\\.[A-Za-z.]+)(?:: [^\`]*)?\``, "g");
  const known: ReadonlySet<string> = new Set(settingKeys);
  /** Names of files and of other programs that begin like a setting. */
  const other = /\.(?:ts|c|h|md|yaml|yml|json|db|sock|crt|key)$|^kubernetes\.core\./;
  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(mention)]
      .map(([, key = ""]) => key)
      .filter((key) => !other.test(key) && !known.has(key))
      .map((key) => `${page}: ${key}`),
  );
  assert.deepEqual(unknown, []);
});

test("Devices and DeviceProfiles on pages are accepted by their schemas", () => {
  const schemas = { Device: deviceSpecSchema, DeviceProfile: deviceProfileSpecSchema };
  let checked = 0;
  for (const page of pages)
    for (const [, block = ""] of read(page).matchAll(/^```ya?ml\n(.*?)^```$/gms)) {
      const value = parse(block) as {
        apiVersion?: string;
        kind?: string;
        spec?: { template?: unknown };
      } | null;
      const isWhole = value?.apiVersion?.startsWith("motelet.dev/");
      const isSpecOnly = value?.kind === undefined && value?.spec !== undefined && !value.spec.template;
      if (!isWhole && !isSpecOnly) continue;
      checked += 1;
      const schema = schemas[(value?.kind ?? "Device") as keyof typeof schemas];
      const errors = [...Value.Errors(schema, value?.spec ?? {})];
      assert.deepEqual(errors, [], `${page}:\n${block}`);
    }
  assert.ok(checked >= 4, `${checked} checked`);
});
