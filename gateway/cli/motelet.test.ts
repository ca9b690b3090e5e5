import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { suite, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { version } from "./version.ts";

/*
 * The command as a shell finds it: started by its path, without the flags that run sources. The machine's Node may be older
 * than the one that npm installed into the checkout.
 */

const command = fileURLToPath(new URL("../../node_modules/.bin/motelet", import.meta.url));
const deadline = { timeout: 60_000 };
/** What an older Node does differently: its version, and it cannot replace its process. The Node of the checkout is itself. */
const olderNode = `if (!process.execArgv.includes("--conditions=motelet-source")) {
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });
  Object.defineProperty(process, "version", { value: "v20.1.0" });
  process.execve = undefined;
}`;
const asOlderNode = ["--import", `data:text/javascript,${encodeURIComponent(olderNode)}`];
const env = { PATH: process.env.PATH, HOME: process.env.HOME };

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  execFile(process.execPath, args, { env, timeout: 50_000 }, (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
  );
  return promise;
}

suite("the motelet command in a checkout", { concurrency: true }, () => {
  test("runs the sources, and passes on arguments and exit codes", deadline, async () => {
    assert.deepEqual(await run(command, "--version"), {
      code: 0,
      stdout: `${version}\n`,
      stderr: "",
    });
    const wrong = await run(command, "gateway", "config", "--mqtt-port", "x y");
    const stderr = 'motelet gateway: --mqtt-port: expected an integer of 0 to 65535, got "x y"\n';
    assert.deepEqual(wrong, { code: 78, stdout: "", stderr });
  });

  test("started by an older Node, runs on the Node of the checkout", deadline, async () => {
    const wrong = await run(...asOlderNode, command, "gateway", "config", "--mqtt-port", "x y");
    const stderr = 'motelet gateway: --mqtt-port: expected an integer of 0 to 65535, got "x y"\n';
    assert.deepEqual(wrong, { code: 78, stdout: "", stderr });
  });

  test(
    "started by an older Node, passes a signal on once and ends as its child does",
    deadline,
    async (t) => {
      const device = ["device", "run", "--serial", `unix:${join(await folderFor(t), "line.sock")}`];
      const child = spawn(process.execPath, [...asOlderNode, command, ...device], {
        env,
        detached: true,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(child, "exit");
      t.after(() => child.kill("SIGKILL"));
      for await (const line of createInterface(child.stdout)) if (/ \(started\)$/.test(line)) break;
      // The whole group, as a terminal or a service manager does it. A device that gets the signal twice is cut.
      process.kill(-Number(child.pid), "SIGTERM");
      assert.deepEqual(await ended, [0, null]);
    },
  );

  test("an older Node that finds no other one is told what is expected", deadline, async (t) => {
    const folder = await folderFor(t);
    await copyFile(command, join(folder, "motelet.js"));
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    const installed = await run(...asOlderNode, join(folder, "motelet.js"), "--version");
    const expected = `motelet: expected Node.js 24 or newer, this is v20.1.0 (${process.execPath})`;
    assert.deepEqual(installed, { code: 1, stdout: "", stderr: `${expected}\n` });
    await writeFile(join(folder, "main.ts"), "");
    const bare = await run(...asOlderNode, join(folder, "motelet.js"), "--version");
    const remedy = "`make setup` installs one in this checkout";
    assert.deepEqual(bare, { code: 1, stdout: "", stderr: `${expected}; ${remedy}\n` });
  });
});

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "motelet-command-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}
