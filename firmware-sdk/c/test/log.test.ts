import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { sdkVersion } from "./boot-line.ts";
import { buildFolder, make } from "./driver.ts";

test("formatting writes integers, texts and hex as C does, in any room, and stops at what it does not know", async () => {
  const program = `${buildFolder}host/log-format-table`;
  await make(program);
  await promisify(execFile)(program).catch((error: { stdout: string; stderr: string }) =>
    assert.fail(error.stdout + error.stderr),
  );
});

test("the version of the C SDK is that of the packages", async () => {
  const { version } = JSON.parse(
    await readFile(new URL("../../reference/package.json", import.meta.url), "utf8"),
  );
  assert.equal(await sdkVersion(), `motelet-c ${version}`);
});
