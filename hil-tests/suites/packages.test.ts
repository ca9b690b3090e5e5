import assert from "node:assert/strict";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { apply, deviceManifest, identityOf, install, kubectlOk } from "../rig/installation.ts";
import { pageBlock } from "../rig/page-blocks.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { type CommandResult, runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder } from "../rig/watchdog.ts";

/*
 * What a user gets: the command in a clone; and the npm packages, packed, installed in an empty folder outside the clone, and
 * run from dist, as docs/run-the-gateway.md says.
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

const page = "run-the-gateway.md";

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;

async function succeed(command: string, args: readonly string[], cwd: string): Promise<CommandResult> {
  const result = await runCommand(command, args, { cwd, env, timeoutMs: 110_000 });
  assert.equal(result.code, 0, `${[command, ...args].join(" ")}: ${result.stdout}${result.stderr}`);
  return result;
}

test("the command of a clone, in which nothing was built", { timeout: 60_000 }, async (t) => {
  const shell = { PATH: env.PATH, HOME: process.env.HOME };
  const inClone = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommand(args[0] ?? "", args.slice(1), {
      cwd: root,
      env: shell,
    });
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  };
  for (const workspace of Object.values(packages))
    await rm(path.join(root, workspace, "dist"), { recursive: true, force: true });

  await t.test("has the help of gateway run", async () => {
    const help = await inClone("node_modules/.bin/motelet", "gateway", "run", "--help");
    assert.match(help, /^Usage: motelet gateway run [\s\S]*--node-address <value>/);
  });

  await t.test("takes the flags that the page gives to it", async () => {
    const run = /^(node_modules\/\.bin\/motelet) gateway run (.*)$/m.exec(pageBlock(page, /^node_modules/m));
    const config = await inClone(run?.[1] ?? "", "gateway", "config", ...(run?.[2] ?? "").split(" "));
    assert.match(config, /^node\.address: "192\.0\.2\.7" {2}# flag$/m);
    assert.match(config, /^store\.path: "motelet\.db" {2}# flag$/m);
  });
});

test("the packages, installed in an empty folder", { timeout: 240_000 }, async (t) => {
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

  await t.test("run a gateway with its own account, as the page says", () =>
    runGateway(motelet, folder.path),
  );
});

/** The service of the page, but for systemd: its kubeconfig, its command line, and a device that comes from the packages too. */
async function runGateway(motelet: string, folder: string): Promise<void> {
  await using cluster = await startControlPlane();
  await install(cluster);
  await apply(cluster, deviceManifest("lamp"));
  const script = pageBlock(page, /^token=/m);
  const shell = { ...cluster.kubectlEnvironment(), PATH: `${path.dirname(cluster.kubectlPath)}:${env.PATH}` };
  const made = await runCommand("bash", ["-euc", script], { cwd: folder, env: shell });
  assert.equal(made.code, 0, made.stderr);
  const kubeconfig = readFileSync(path.join(folder, "kubeconfig"), "utf8");
  const { users } = parse(kubeconfig) as { users: readonly { name: string; user: object }[] };
  assert.deepEqual(
    users.map(({ name, user }) => [name, Object.keys(user)]),
    [["gateway", ["token"]]],
    "nothing of the administrator's credentials is in the gateway's kubeconfig",
  );

  const settings = "kubelet: {host: 127.0.0.1, port: 0}\nmqtt: {port: 0}\noperations: {port: 0}\n";
  await writeFile(path.join(folder, "gateway.yaml"), settings);
  const unit = pageBlock(page, /^ExecStart=/m);
  const [, args = ""] = /^ExecStart=\/opt\/motelet\/node_modules\/\.bin\/motelet (.*)$/m.exec(unit) ?? [];
  assert.match(
    args,
    /^gateway run --config \/etc\/motelet\/gateway\.yaml --store-path \/var\/lib\/motelet\/store\.db$/,
  );
  const here = args.replaceAll(/\/etc\/motelet|\/var\/lib\/motelet/g, folder).split(" ");
  await using gateway = startProcess({
    name: "motelet gateway run",
    command: motelet,
    args: here,
    env: { ...env, KUBECONFIG: path.join(folder, "kubeconfig") },
  });
  const mqttPort = await readyGateway(gateway, folder);

  const identity = await waitFor(() => identityOf(cluster, "lamp"), {
    deadlineMs: 20_000,
    what: "its Secret",
  });
  await writeFile(path.join(folder, "identities.json"), JSON.stringify([{ name: "lamp", ...identity }]));
  const over = [
    "--mqtt",
    `mqtt://127.0.0.1:${mqttPort}`,
    "--identities",
    path.join(folder, "identities.json"),
  ];
  await using device = startProcess({
    name: "motelet device run",
    command: motelet,
    args: ["device", "run", ...over],
    env,
  });
  await device.waitForLine(/: online /, { deadlineMs: 20_000 });
  await kubectlOk(cluster, "wait", "node/lamp", "--for=condition=Ready", "--timeout=20s");
  assert.equal(await kubectlOk(cluster, "exec", "lamp", "--", "echo", "hello"), "hello\n");
  assert.deepEqual(await device.stop(), { code: 0, signal: null });
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  await theClusterTakesTheDeployment(cluster);
}

/** Waits until it serves, from the kubeconfig of its environment. Returns the port of MQTT. */
async function readyGateway(gateway: RunningProcess, folder: string): Promise<number> {
  const deadline = { deadlineMs: 30_000 };
  const [, chosen = ""] = await gateway.waitForLine(/^(.*"msg":"cluster chosen".*)$/, deadline);
  const { credentials } = JSON.parse(chosen) as { credentials: string };
  assert.ok(credentials.startsWith(`${folder}/kubeconfig`), credentials);
  const [, ready = ""] = await gateway.waitForLine(/^(.*"msg":"gateway ready".*)$/, deadline);
  return (JSON.parse(ready) as { mqttPort: number }).mqttPort;
}

/** What `kubectl apply -k` would make, without a warning of the namespace's Pod security. */
async function theClusterTakesTheDeployment(cluster: ControlPlane): Promise<void> {
  const made = {
    gateway: [
      "deployment.apps/motelet-gateway",
      "persistentvolumeclaim/motelet-gateway",
      "service/motelet-mqtt",
    ],
    coap: [
      "deployment.apps/motelet-gateway",
      "persistentvolumeclaim/motelet-gateway",
      "service/motelet-coap",
      "service/motelet-mqtt",
    ],
  };
  for (const [folder, objects] of Object.entries(made)) {
    const args = ["apply", "-k", path.join(root, "manifests", folder), "--dry-run=server", "-o", "name"];
    const { code, stdout, stderr } = await cluster.kubectl(args);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.deepEqual(stdout.toString().trim().split("\n").sort(), objects);
  }
}

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
