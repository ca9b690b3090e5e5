import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize, relative, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importCircles } from "./import-circles.ts";

/** The layers and what each may import besides itself (docs/architecture.md). */
const root = fileURLToPath(new URL("../..", import.meta.url));
const base = ["profiles", "foundation", "store"];
const seams = ["transport/channel.ts", "transport/directory.ts"];
/** One folder a carrier; they never see each other. */
const carrierFolders = globSync("gateway/src/transport/*/", { cwd: root }).map(
  (folder) => `transport/${basename(folder)}`,
);
const allowed: Readonly<Record<string, readonly string[]>> = {
  profiles: [],
  foundation: ["profiles"],
  store: ["profiles", "foundation"],
  "transport/channel.ts": base,
  "transport/directory.ts": base,
  "transport/carrier.ts": [...base, ...seams],
  "transport/carriers.ts": [...base, "transport/carrier.ts", ...carrierFolders],
  ...Object.fromEntries(
    carrierFolders.map((folder) => [folder, [...base, "transport/carrier.ts", ...seams]]),
  ),
  kubeapi: base,
  streaming: base,
  session: [...base, "transport/channel.ts"],
  devices: [...base, "session", ...seams],
  programs: [...base, "devices"],
  resources: [...base, "devices", "kubeapi", "transport/carriers.ts"],
  mirror: [...base, "devices", "resources", "kubeapi"],
  kubelet: [...base, "devices", "resources", "kubeapi", "programs", "streaming"],
  northbound: [...base, "devices", "resources", "kubeapi"],
  reference: ["profiles"],
  testing: ["profiles"],
};
const layers = Object.keys(allowed).sort((a, b) => b.length - a.length);

/** The layer of a source file; undefined for the composition root, which may import all. */
function layerOf(file: string): string | undefined {
  const path = file.split(sep).join("/");
  if (path.startsWith("profiles/src/")) return "profiles";
  if (path.startsWith("firmware-sdk/reference/src/")) return "reference";
  if (path.startsWith("hil-tests/testing/src/")) return "testing";
  if (!path.startsWith("gateway/src/")) return undefined;
  const inside = path.slice("gateway/src/".length);
  if (!inside.includes("/")) return undefined;
  const layer = layers.find((known) => inside === known || inside.startsWith(`${known}/`));
  assert.ok(layer, `${path} is in no layer: add it to docs/architecture.md and this test`);
  return layer;
}

function importsOf(file: string, options: { types: boolean } = { types: true }): string[] {
  const statements = /^(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|import\("([^"]+)"\)/gm;
  const packages: Readonly<Record<string, string>> = {
    "@motelet/profiles": "profiles/src/index.ts",
    "@motelet/reference": "firmware-sdk/reference/src/index.ts",
    "@motelet/gateway": "gateway/src/index.ts",
    "@motelet/testing": "hil-tests/testing/src/index.ts",
  };
  return [...readFileSync(join(root, file), "utf8").matchAll(statements)].flatMap((match) => {
    if (!options.types && /^(import|export) type\s/.test(match[0])) return [];
    const target = match[1] ?? match[2] ?? match[3] ?? "";
    if (target.startsWith(".")) return [relative(root, normalize(join(root, dirname(file), target)))];
    return packages[target] === undefined ? [] : [packages[target]];
  });
}

test("no file imports a layer that it may not see", () => {
  const files = globSync(
    [
      "profiles/src/**/*.ts",
      "gateway/src/**/*.ts",
      "firmware-sdk/reference/src/**/*.ts",
      "hil-tests/testing/src/**/*.ts",
    ],
    { cwd: root },
  );
  const sources = files.filter((file) => !/(\.test|-test-bed)\.ts$|\/fakes\//.test(file));
  assert.ok(sources.length > 20);
  const wrong = sources.flatMap((file) => {
    const layer = layerOf(file);
    if (layer === undefined) return [];
    const lower = allowed[layer] ?? [];
    return importsOf(file)
      .filter((target) => {
        const other = layerOf(target) ?? "the composition root";
        return other !== layer && !lower.includes(other);
      })
      .map((target) => `${file} imports ${target}: ${layer} may import ${lower.join(", ") || "nothing"}`);
  });
  assert.deepEqual(wrong, []);
});

test("the walks of docs/architecture.md name files that exist", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const named = [...text.matchAll(/`((?:profiles|gateway|firmware-sdk)\/[\w./-]+\.(?:ts|c))`/g)].map(
    (match) => match[1] ?? "",
  );
  assert.ok(named.length > 30);
  assert.deepEqual(
    named.filter((file) => !existsSync(join(root, file))),
    [],
  );
});

test("the protocol has no I/O and no clock", () => {
  const files = globSync("profiles/src/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  const impure = files.filter((file) =>
    /from "node:|Date\.now|performance\.now|Math\.random/.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(impure, []);
});

test("resources know of the Kubernetes client no more than its types", () => {
  const files = globSync("gateway/src/resources/*.ts", { cwd: root }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const callers = files.filter((file) =>
    /^import (?!type)[^;]*"\.\.\/kubeapi\//m.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(callers, []);
});

test("command line and rig use the gateway by its public entry, except tests of single layers", () => {
  // These run the mirror without devices below it, watch objects as it does, or measure one layer: they are tests of
  // those layers on a real cluster. Types of API objects are everybody's.
  const drivers =
    /^hil-tests\/(rig\/cluster\/(bare-mirror|gateway-rights|node-plane|ready-watch|real-nodes)|suites\/(mirror|oscore-sequences|policy)\.test|bench\/.*)\.ts$/;
  const files = globSync(["gateway/cli/**/*.ts", "hil-tests/**/*.ts"], {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**"],
  });
  const deep = files.filter(
    (file) =>
      !drivers.test(file) &&
      importsOf(file, { types: false }).some(
        (target) => target.startsWith("gateway/src/") && target !== "gateway/src/index.ts",
      ),
  );
  assert.deepEqual(deep, []);
});

const everywhere = { cwd: root, exclude: ["**/node_modules/**", "**/dist/**", "build/**"] };

/** What a C file includes of this repository. */
function includesOf(file: string): string[] {
  const names = [...readFileSync(join(root, file), "utf8").matchAll(/^#include "([^"]+)"/gm)];
  return names.map(([, name = ""]) =>
    name.startsWith("mote/") ? `firmware-sdk/c/include/${name}` : join(dirname(file), name),
  );
}

test("no file imports itself by way of others, not even for a type", () => {
  const files = globSync("**/*.ts", everywhere);
  const cFiles = globSync("firmware-sdk/c/**/*.{c,h}", everywhere);
  assert.ok(files.length > 500 && cFiles.length > 80);
  const graph = new Map<string, readonly string[]>([
    ...files.map((file) => [file, importsOf(file)] as const),
    ...cFiles.map((file) => [file, includesOf(file)] as const),
  ]);
  const circles = importCircles(graph).map((circle) =>
    circle.map((file) => {
      const inside = graph.get(file)?.filter((target) => circle.includes(target)) ?? [];
      return `${file} imports ${inside.join(", ")}`;
    }),
  );
  assert.deepEqual(circles, []);
});

/**
 * Sources and how many lines they have. Not counted are tests (`*.test.ts`; what tests share is counted) and generated
 * files.
 */
function sourceLines(): ReadonlyMap<string, number> {
  const files = globSync(["**/*.ts", "firmware-sdk/c/**/*.{c,h}"], everywhere);
  const sources = files.filter((file) => !/\.test\.ts$|\.gen\./.test(file));
  return new Map(
    sources.map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length - 1]),
  );
}

test("no folder holds more than 25 sources", () => {
  const counts = new Map<string, number>();
  for (const file of sourceLines().keys()) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  const crowded = [...counts].filter(([, count]) => count > 25).map(([folder]) => folder);
  assert.deepEqual(crowded, []);
});

test("no source is longer than 450 lines, and most have less than 100", () => {
  const lines = [...sourceLines()].sort(([, a], [, b]) => b - a);
  const long = lines.filter(([, count]) => count > 450).map(([file, count]) => `${file}: ${count} lines`);
  assert.deepEqual(long, []);
  assert.ok((lines[lines.length >> 1]?.[1] ?? 0) < 100);
});
