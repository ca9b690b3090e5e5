import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startPosixBoard } from "../rig/boards/posix-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  install,
  kubectlOk,
} from "../rig/installation.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";
import { type LineProxy, startLineProxy } from "../rig/wire/line-proxy.ts";

/** The example of docs/guides/write-a-test-on-the-rig.md: a C device on a line that flips bits, and loses its power. */

let folder: TemporaryFolder;
let cluster: ControlPlane;
let gateway: GatewayProcess;
let line: LineProxy;
let board: Board;

before(async () => {
  folder = makeTemporaryFolder("motelet-guide-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "1", "serial.rtoMs": "100" },
  });
  await gateway.start();

  const [gatewayEnd, boardEnd] = [`${folder.path}/gateway-end`, `${folder.path}/board-end`];
  board = await startPosixBoard({ kind: "unix", path: boardEnd, folder: folder.path });
  line = await startLineProxy({
    listenPath: gatewayEnd,
    connectPath: boardEnd,
    faults: { flipEveryBytes: 1000 },
    seed: 42,
  });
  await apply(cluster, deviceManifest("lamp", { port: `unix:${gatewayEnd}` }));
  await readyIs("True");
});

after(async () => {
  await line?.[Symbol.asyncDispose]();
  await board?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

/** Waits until the Node's condition Ready has this status. */
async function readyIs(status: string): Promise<void> {
  const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  await waitFor(async () => (await kubectlOk(cluster, "get", "node", "lamp", "-o", path)) === status, {
    deadlineMs: 30_000,
    what: `the Node lamp to have Ready=${status}`,
  });
}

test("the output of a command is complete on a line that flips a bit in 1,000 bytes", async () => {
  const text = "0123456789abcdef".repeat(128);
  const input = { input: text, timeoutMs: 60_000 };
  const { code, stdout, stderr } = await cluster.kubectl(["exec", "-i", "lamp", "--", "cat"], input);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.toString(), text);
  assert.ok(line.counts.toGateway.flipped + line.counts.toDevice.flipped > 0);
  assert.ok((await gateway.metric("motelet_serial_bad_frames_total")) > 0);
});

test("a board that loses its power is not Ready, and is Ready again after its next boot", async () => {
  await board.kill();
  await readyIs("False");
  await board.restart();
  await readyIs("True");
  assert.equal(await kubectlOk(cluster, "get", "device", "lamp", "-o", "jsonpath={.status.restarts}"), "1");
});
