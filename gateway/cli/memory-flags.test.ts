import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commandLineWithFlags, memoryFlags } from "./memory-flags.ts";

const execPath = "/bin/node";
const argv = [execPath, "/opt/main.js", "gateway", "run"];

test("a gateway begins anew once, with its other flags kept", () => {
  const anew = commandLineWithFlags({ execPath, execArgv: ["--enable-source-maps"], argv });
  assert.deepEqual(anew, [
    execPath,
    "--enable-source-maps",
    ...memoryFlags,
    "/opt/main.js",
    "gateway",
    "run",
  ]);
  assert.equal(commandLineWithFlags({ execPath, execArgv: [...memoryFlags], argv }), undefined);
});

test("who chooses the semi-space keeps it, on the command line or in NODE_OPTIONS", () => {
  assert.equal(commandLineWithFlags({ execPath, execArgv: ["--max-semi-space-size=32"], argv }), undefined);
  assert.equal(commandLineWithFlags({ execPath, execArgv: [], argv }, "--max-semi-space-size=32"), undefined);
});

test("the process that begins anew keeps its id, and says nothing of it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "motelet-flags-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = join(folder, "script.mjs");
  const module = new URL("memory-flags.ts", import.meta.url).href;
  writeFileSync(
    script,
    `import { writeSync } from "node:fs";
    import { holdMemoryFlags } from ${JSON.stringify(module)};
    writeSync(1, process.pid + ":" + process.execArgv.join(" ") + ":" + process.argv.slice(2).join(" ") + "\\n");
    holdMemoryFlags();`,
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, "a", "b c"], { encoding: "utf8" });
  const [first, second, end] = stdout.split("\n");
  const pid = first?.split(":")[0];
  assert.equal(first, `${pid}::a b c`);
  assert.equal(second, `${pid}:${memoryFlags.join(" ")}:a b c`);
  assert.deepEqual([end, stderr, status], ["", "", 0]);
});
