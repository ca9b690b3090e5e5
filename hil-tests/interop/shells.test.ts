import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ensureTools } from "../control-plane/build-tools.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  identityOf,
  install,
} from "../rig/installation.ts";
import { ensurePythonPackages } from "../rig/python-packages.ts";
import { type CommandResult, runCommand } from "../rig/run-command.ts";
import { Terminal } from "../rig/terminal.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/** Tools as people have them, that begin with a shell. */
const device = "lamp";
const k9sFolder = fileURLToPath(new URL("../peers/k9s", import.meta.url));

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let folder: TemporaryFolder;

before(
  async () => {
    folder = makeTemporaryFolder("motelet-shells-");
    cluster = await startControlPlane();
    await install(cluster);
    const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
    gateway = new GatewayProcess({
      kubeconfig: await cluster.kubeconfigForToken(token),
      settings: { "session.heartbeatS": "2", "store.path": `${folder.path}/gateway.db` },
    });
    await gateway.start();
    await apply(cluster, deviceManifest(device));
    const identity = await waitFor(() => identityOf(cluster, device), {
      deadlineMs: 20_000,
      what: `the Secret of ${device}`,
    });
    fleet = await startReferenceFleet({
      mqttPort: gateway.ports.mqtt,
      members: [{ name: device, board: "esp32-c3", ...identity }],
      folder: folder.path,
    });
    await waitFor(async () => (await cluster.kubectl(["exec", device, "--", "echo"])).code === 0, {
      deadlineMs: 30_000,
      what: `${device} to answer`,
    });
  },
  { timeout: 1_800_000 },
);

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

/** kubectl is found on the PATH, as these tools look for it. */
const environment = (extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const env = cluster.kubectlEnvironment();
  return { ...env, PATH: `${path.dirname(cluster.kubectlPath)}:${env.PATH}`, HOME: folder.path, ...extra };
};

test("ansible's kubectl connection runs raw commands, with their output and their codes", {
  timeout: 900_000,
}, async () => {
  const python = await ensurePythonPackages({
    name: "ansible",
    packages: ["ansible-core==2.19.14"],
    parts: [{ package: "ansible==12.3.0", prefix: "ansible_collections/kubernetes/core/" }],
  });
  const inventory = `${folder.path}/inventory.ini`;
  await writeFile(
    inventory,
    `${device} ansible_connection=kubernetes.core.kubectl ansible_kubectl_pod=${device} ansible_kubectl_namespace=default ansible_kubectl_container=device\n`,
  );
  const raw = (command: string): Promise<CommandResult> =>
    runCommand("python3", ["-m", "ansible", "adhoc", device, "-i", inventory, "-m", "raw", "-a", command], {
      timeoutMs: 120_000,
      env: environment({
        PYTHONPATH: python,
        ANSIBLE_COLLECTIONS_PATH: python,
        ANSIBLE_HOME: `${folder.path}/ansible`,
        ANSIBLE_LOCALHOST_WARNING: "False",
        ANSIBLE_NOCOLOR: "1",
        LC_ALL: "C.UTF-8",
      }),
    });
  const rows = [
    ["echo hi there", 0, /lamp \| CHANGED \| rc=0 >>\nhi there\n/],
    ["uptime && echo 'a  b'; test -x /bin/sh && echo shell", 0, /rc=0 >>\nup \d+ s\na {2}b\nshell\n/],
    ["cat /missing", 2, /lamp \| FAILED \| rc=1 >>\n(.*\n)?cat: \/missing: not found/],
    ["exit 7", 2, /lamp \| FAILED \| rc=7 >>/],
    ["ps | grep main", 2, /rc=2 >>\n(.*\n)?sh: line 1: pipes \(\|\) are not supported/],
  ] as const;
  for (const [command, code, shown] of rows) {
    const result = await raw(command);
    assert.equal(result.code, code, `${command}: ${result.stdout} ${result.stderr}`);
    assert.match(result.stdout.toString(), shown, command);
  }
});

// The first run on a machine builds k9s, which takes up to ten minutes of two cores.
test("k9s' shell key opens the device's shell, and Ctrl-D leads back", { timeout: 3_600_000 }, async () => {
  const { k9s = "" } = await ensureTools(k9sFolder);
  const settings = `${folder.path}/k9s`;
  await mkdir(settings, { recursive: true });
  await using window = Terminal.start({
    command: k9s,
    args: ["--namespace", "default", "--command", "pods", "--headless", "--logoless", "--write"],
    env: environment({ K9S_CONFIG_DIR: settings, XDG_STATE_HOME: settings, TERM: "xterm-256color" }),
    columns: 120,
    rows: 30,
    folder: folder.path,
  });
  await window.waitFor(/lamp\s.*Running/, { deadlineMs: 60_000 });
  const before = (await window.shown()).length;
  window.type("s");
  await window.waitFor(/<<K9s-Shell>> Pod: default\/lamp \| Container: device[\s\S]*> /, {
    deadlineMs: 30_000,
    from: before,
  });
  window.type("echo typed into k9s\r");
  await window.waitFor(/\n\r?typed into k9s/, { deadlineMs: 20_000, from: before });
  const inShell = (await window.shown()).length;
  window.type("\x04");
  await window.waitFor(/lamp\s.*Running/, { deadlineMs: 30_000, from: inShell });
  window.type("\x03");
  await window.process.exited;
});
