import assert from "node:assert/strict";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startProcess } from "../rig/process.ts";
import { type CommandResult, runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder } from "../rig/watchdog.ts";

/*
 * What a user of the npm packages gets: packed, installed in an empty folder outside the checkout, and run from dist.
 */

const root = path.join(import.meta.dirname, "../..");
/** By name, with the workspace it comes from. */
const packages = {
  "@motelet/profiles": "profiles",
  "@motelet/reference": "firmware-sdk/reference",
  "@motelet/gateway": "gateway",
  "@motelet/cli": "gateway/cli",
} as const;

/** Node refuses TypeScript, as it does under node_modules; the programs that `env node` and npx find are this Node. */
const env: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_OPTIONS: "--no-strip-types",
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`,
};

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;

async function succeed(command: string, args: readonly string[], cwd: string): Promise<CommandResult> {
  const result = await runCommand(command, args, { cwd, env, timeoutMs: 110_000 });
  assert.equal(result.code, 0, `${[command, ...args].join(" ")}: ${result.stdout}${result.stderr}`);
  return result;
}

test("the packages, installed in an empty folder", { timeout: 120_000 }, async (t) => {
  await using folder = makeTemporaryFolder("motelet-packages-");
  const installed = (name: string) => path.join(folder.path, "node_modules", name);
  const motelet = installed(".bin/motelet");
  await succeed("make", ["-s", "pack"], root);
  const tarballs = globSync("build/packages/*.tgz", { cwd: root }).map((file) => path.join(root, file));
  assert.equal(tarballs.length, Object.keys(packages).length);
  await writeFile(path.join(folder.path, "package.json"), '{"private": true}');
  await succeed("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs], folder.path);

  await t.test("hold the licence, and neither sources nor tests", () => {
    const licence = readFileSync(path.join(root, "LICENSE"), "utf8");
    for (const name of Object.keys(packages)) {
      assert.equal(readFileSync(path.join(installed(name), "LICENSE"), "utf8"), licence);
      const files = globSync("**/*.*", { cwd: installed(name) });
      const code = files.filter((file) => file.startsWith("dist/"));
      assert.ok(code.length > 5 && code.every((file) => /\.(d\.ts|js)$/.test(file)));
      const unwanted = /(?<!\.d)\.ts$|\.test\.|test-|fake|^src|tsconfig/;
      assert.deepEqual(
        files.filter((file) => unwanted.test(file)),
        [],
        name,
      );
    }
  });

  await t.test("depend on every package that their code imports, and it can be loaded", async () => {
    for (const name of Object.keys(packages)) {
      const declared = Object.keys(manifestOf(installed(name)).dependencies ?? {});
      assert.deepEqual(
        importedPackages(installed(name)).filter((imported) => !declared.includes(imported)),
        [],
        name,
      );
    }
    // Those loaded lazily too. The command is left out: to load it is to run it.
    const modules = globSync("@motelet/{profiles,reference,gateway}/dist/**/*.js", { cwd: installed("") });
    assert.ok(modules.length > 100);
    const imports = modules.map((file) => `await import(${JSON.stringify(path.join(installed(""), file))});`);
    await succeed(process.execPath, ["--input-type=module", "--eval", imports.join("\n")], folder.path);
  });

  await t.test("have types", async () => {
    const consumer = `
      import { type Config, loadConfig } from "@motelet/gateway";
      import { decodeMessage } from "@motelet/profiles";
      import { Fleet } from "@motelet/reference";
      export const config: Config = loadConfig({ environment: {}, flags: {} }).config;
      // @ts-expect-error: it is no any
      export const message: number = decodeMessage(new Uint8Array());
      // @ts-expect-error: it is no any
      export const fleet: number = Fleet;`;
    await writeFile(path.join(folder.path, "consumer.mts"), consumer);
    const typeRoots = ["--typeRoots", path.join(root, "node_modules/@types"), "--types", "node"];
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2024"];
    const tsc = path.join(root, "node_modules/.bin/tsc");
    await succeed(tsc, [...flags, ...typeRoots, "consumer.mts"], folder.path);
  });

  await t.test("answer npx motelet with their version and help", async () => {
    const { version } = manifestOf(path.join(root, packages["@motelet/cli"]));
    const said = await succeed("npx", ["--no", "--", "motelet", "--version"], folder.path);
    assert.equal(said.stdout.toString(), `${version}\n`);
    const help = (await succeed(motelet, ["--help"], folder.path)).stdout.toString();
    assert.match(help, /^Usage: motelet [\s\S]*^ {2}device [\s\S]*^ {2}gateway /m);
  });

  await t.test("print the gateway's configuration", async () => {
    const { stdout } = await succeed(motelet, ["gateway", "config", "--mqtt-port", "1884"], folder.path);
    assert.match(stdout.toString(), /^mqtt\.port: 1884 {2}# flag/m);
  });

  await t.test("run a device on a serial line until SIGTERM", (st) => runDevice(st, motelet, folder.path));
});

async function runDevice(t: TestContext, motelet: string, folder: string): Promise<void> {
  const line = path.join(folder, "line.sock");
  const args = ["device", "run", "--serial", `unix:${line}`];
  await using device = startProcess({ name: "motelet device run", command: motelet, args, env });
  const socket = await waitFor(() => connected(line), { deadlineMs: 10_000, what: "the device to listen" });
  t.after(() => socket.destroy());
  await device.waitForLine(/^serial: greeting \(link opened\)$/, { deadlineMs: 10_000 });
  assert.deepEqual(await device.stop(), { code: 0, signal: null });
}

async function connected(line: string): Promise<Socket> {
  const socket = connect(line).resume();
  await once(socket, "connect");
  return socket;
}

/** The npm packages that a package's compiled code names. */
function importedPackages(folder: string): string[] {
  const named = /(?:\bfrom |^import |\bimport\()"((?:@[^/"]+\/)?[^./"#][^/":]*)(?:\/[^"]*)?"/gm;
  const texts = globSync("dist/**/*.js", { cwd: folder }).map((file) =>
    readFileSync(path.join(folder, file), "utf8"),
  );
  return [...new Set(texts.flatMap((text) => [...text.matchAll(named)].map((match) => match[1] ?? "")))];
}
