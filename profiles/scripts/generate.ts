import { readFileSync, writeFileSync } from "node:fs";
import { cHeader } from "./c-header.ts";
import { messageLayout } from "./c-message-layout.ts";
import { cborVectors } from "./cbor-vectors.ts";
import { cddl } from "./cddl.ts";
import { cCommandRows, referenceCommands } from "./command-lists.ts";
import { frameVectors } from "./frame-vectors.ts";
import { messageVectors } from "./message-vectors.ts";
import { gatewayVectors } from "./session-gateway.ts";
import { sessionVectors } from "./session-vectors.ts";
import { specTables } from "./spec-tables.ts";

/**
 * Writes everything that is derived from the tables in profiles/src: the vectors, the CDDL, the SPEC's tables, the tables
 * of the C SDK and the command list of the reference runtime. With --check it writes nothing and fails where a file is stale.
 */
const root = new URL("../../", import.meta.url);

function vectorText(vectors: object): string {
  // One vector a line: small diffs, and still readable.
  const sections = Object.entries(vectors).map(([key, value]) =>
    Array.isArray(value)
      ? `  ${JSON.stringify(key)}: [\n${value.map((vector) => `    ${JSON.stringify(vector)}`).join(",\n")}\n  ]`
      : `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return `{\n${sections.join(",\n")}\n}\n`;
}

function withTables(text: string): string {
  return text.replace(
    /(<!-- generated: ([a-z]+) -->\n)[\s\S]*?(<!-- end generated -->)/g,
    (_, open: string, name: string, close: string) => `${open}${specTables(name)}${close}`,
  );
}

const outputs: readonly (readonly [string, (current: string) => string])[] = [
  ["profiles/vectors/cbor.json", () => vectorText(cborVectors())],
  ["profiles/vectors/frame.json", () => vectorText(frameVectors())],
  ["profiles/vectors/message.json", () => vectorText(messageVectors())],
  ["profiles/vectors/session-device.json", () => sessionVectors()],
  ["profiles/vectors/session-gateway.json", () => gatewayVectors()],
  ["profiles/profile.cddl", () => cddl()],
  ["profiles/SPEC.md", withTables],
  ["firmware-sdk/c/include/mote/profile.gen.h", () => cHeader()],
  ["firmware-sdk/c/include/mote/commands/command_rows.gen.h", () => cCommandRows()],
  ["firmware-sdk/c/src/message_layout.gen.h", () => messageLayout()],
  ["firmware-sdk/reference/src/commands/all.gen.ts", () => referenceCommands()],
];

const check = process.argv.includes("--check");
let stale = 0;
for (const [path, make] of outputs) {
  const url = new URL(path, root);
  let current = "";
  try {
    current = readFileSync(url, "utf8");
  } catch {
    // A file that is not there yet is stale.
  }
  const wanted = make(current);
  if (wanted === current) continue;
  stale++;
  if (check) console.error(`${path} is stale: run make generate`);
  else {
    writeFileSync(url, wanted);
    console.log(`wrote ${path}`);
  }
}
if (check && stale > 0) process.exitCode = 1;
