import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pythonPath } from "./python-path.ts";

const packages = ["cbor2==5.6.5", "cobs==1.2.1", "pycddl==0.6.4"];

test("independent Python libraries read the vectors and the grammar as we do", () => {
  const script = fileURLToPath(new URL("oracle.py", import.meta.url));
  const vectors = fileURLToPath(new URL("../vectors", import.meta.url));
  const grammar = fileURLToPath(new URL("../profile.cddl", import.meta.url));
  const output = execFileSync("python3", [script, vectors, grammar], {
    env: { ...process.env, PYTHONPATH: pythonPath(packages) },
    encoding: "utf8",
  });
  assert.match(output.trim(), /^checked \d{3}$/);
});
