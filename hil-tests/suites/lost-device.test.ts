import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
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
  kubectlOk,
} from "../rig/installation.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/** What kubectl says when a device dies in the middle of each verb, and how soon after the gateway has noticed. */
const device = "lamp";
const bound = 3_000;
const dead = /no longer answers|is offline|lost/;
/** What takes a second or more to copy. */
const largeBytes = 5_000_000;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let folder: TemporaryFolder;
let lostAtMs: number | undefined;

before(async () => {
  folder = makeTemporaryFolder("motelet-lost-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "1", "store.path": `${folder.path}/gateway.db` },
    onLine: (line) => {
      if (line.includes('"device lost"')) lostAtMs = performance.now();
    },
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
    chatterS: 1,
  });
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

const start = (protocol: string, ...args: string[]): RunningProcess =>
  startProcess({
    name: `kubectl ${args[0]}`,
    command: cluster.kubectlPath,
    args,
    env: {
      ...cluster.kubectlEnvironment(),
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(protocol === "WebSocket"),
      KUBECTL_PORT_FORWARD_WEBSOCKETS: String(protocol === "WebSocket"),
    },
  });

/** Kills the device once the verb runs, and expects kubectl to say so in time. */
async function diesWith(kubectl: RunningProcess, said: RegExp, exits: boolean): Promise<void> {
  lostAtMs = undefined;
  await fleet.kill();
  const noticedMs = await waitFor(() => lostAtMs, { deadlineMs: 20_000, what: "the gateway to notice" });
  const leftMs = bound - (performance.now() - noticedMs);
  const ended = exits
    ? waitFor(async () => (await kubectl.exited) && true, { deadlineMs: leftMs, what: "kubectl to end" })
    : kubectl.waitForLine(said, { deadlineMs: leftMs });
  await ended;
  console.log(`${kubectl.name}: ${Math.round(performance.now() - noticedMs)} ms after it was noticed`);
  assert.match(kubectl.lastLines().join("\n"), said);
}

for (const protocol of ["WebSocket", "SPDY"]) {
  describe(`a device that dies, over ${protocol}`, { concurrency: false }, () => {
    beforeEach(returns);

    async function returns(): Promise<void> {
      await fleet.kill();
      await fleet.restart();
      await waitFor(async () => (await cluster.kubectl(["exec", device, "--", "echo"])).code === 0, {
        deadlineMs: 30_000,
        what: `${device} to answer`,
      });
    }

    test("during exec", async () => {
      await using kubectl = start(protocol, "exec", "-i", device, "--", "cat");
      kubectl.stdin.write("here\n");
      await kubectl.waitForLine(/here/, { deadlineMs: 20_000 });
      await diesWith(kubectl, dead, true);
      assert.notEqual((await kubectl.exited).code, 0);
    });

    test("during logs -f", async () => {
      await using kubectl = start(protocol, "logs", "-f", "--tail=1", device);
      await kubectl.waitForLine(/./, { deadlineMs: 20_000 });
      await diesWith(kubectl, dead, true);
    });

    test("during cp", async () => {
      const copy = `${folder.path}/${protocol}-copy`;
      await writeFile(`${folder.path}/large`, Buffer.alloc(largeBytes, 1));
      await kubectlOk(cluster, "cp", `${folder.path}/large`, `${device}:/large`);
      await using kubectl = start(protocol, "cp", `${device}:/large`, copy);
      await waitFor(async () => (await stat(copy)).size > 0, {
        deadlineMs: 20_000,
        intervalMs: 10,
        what: "the first bytes of the copy",
      });
      await diesWith(kubectl, dead, true);
      assert.notEqual((await kubectl.exited).code, 0);
    });

    test("during port-forward", async () => {
      await using kubectl = start(protocol, "port-forward", `pod/${device}`, ":7");
      const [, port] = await kubectl.waitForLine(/Forwarding from 127\.0\.0\.1:(\d+) -> 7/, {
        deadlineMs: 20_000,
      });
      const socket = connect(Number(port), "127.0.0.1").on("error", () => socket.destroy());
      socket.write("here");
      await new Promise((resolve) => socket.once("data", resolve));
      await diesWith(kubectl, dead, false);
      socket.destroy();
    });
  });
}
