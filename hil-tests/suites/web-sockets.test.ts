import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { kubernetesVersion } from "../control-plane/assets.ts";
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
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/*
 * Kubernetes 1.36 and newer pass kubectl's WebSockets on to Nodes that declare it; older ones translate them to SPDY, and
 * so do newer ones for Nodes that do not. The rest of kubectl is in kubectl.test.ts, with the switch off.
 */
const device = "lamp";
const passesOn = Number(kubernetesVersion().split(".")[1]) >= 36;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let echo: Server;
let folder: TemporaryFolder;

async function startFleet(): Promise<void> {
  const identity = await waitFor(() => identityOf(cluster, device), {
    deadlineMs: 20_000,
    what: `the Secret of ${device}`,
  });
  const address = echo.address();
  assert.ok(typeof address === "object" && address);
  fleet = await startReferenceFleet({
    mqttPort: gateway.ports.mqtt,
    members: [{ name: device, board: "esp32-c3", ...identity }],
    folder: folder.path,
    services: { 8080: `127.0.0.1:${address.port}` },
  });
  await answers();
}

async function answers(): Promise<void> {
  await waitFor(async () => (await cluster.kubectl(["exec", device, "--", "echo"])).code === 0, {
    deadlineMs: 60_000,
    what: `${device} to answer`,
  });
}

before(async () => {
  folder = makeTemporaryFolder("motelet-web-sockets-");
  echo = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "1", "kubelet.declareWebSockets": "true" },
  });
  await gateway.start();
  await apply(cluster, deviceManifest(device));
  await startFleet();
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  echo?.close();
  await folder?.[Symbol.asyncDispose]();
});

const environment = (webSocket: boolean) => ({
  ...cluster.kubectlEnvironment(),
  KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(webSocket),
  KUBECTL_PORT_FORWARD_WEBSOCKETS: String(webSocket),
});

const kubectl = (args: readonly string[], input?: Uint8Array) =>
  runCommand(cluster.kubectlPath, args, {
    env: environment(true),
    timeoutMs: 60_000,
    ...(input ? { input } : {}),
  });

function start(args: readonly string[], webSocket = true): RunningProcess {
  return startProcess({
    name: `kubectl ${args[0]}`,
    command: cluster.kubectlPath,
    args,
    env: environment(webSocket),
  });
}

async function forwarded(webSocket = true): Promise<{ forward: RunningProcess; port: number }> {
  const forward = start(["port-forward", `pod/${device}`, ":8080"], webSocket);
  const [, port] = await forward.waitForLine(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/, {
    deadlineMs: 30_000,
  });
  return { forward, port: Number(port) };
}

/** How often the API server has served a subresource in a way, by its own count. */
async function served(subresource: string, way: string): Promise<number> {
  const { stdout } = await cluster.kubectl(["get", "--raw", "/metrics"]);
  const line = stdout
    .toString()
    .split("\n")
    .find(
      (text) =>
        text.startsWith("apiserver_websocket_streaming_requests_total{") &&
        text.includes(`subresource="${subresource}"`) &&
        text.includes(`proxy_type="${way}"`),
    );
  return Number(line?.split(" ").at(-1) ?? 0);
}

test("the Node declares the feature where the API server knows it", async () => {
  const { stdout } = await cluster.kubectl([
    "get",
    "node",
    device,
    "-o",
    "jsonpath={.status.declaredFeatures}",
  ]);
  assert.equal(stdout.toString(), passesOn ? '["ExtendWebSocketsToKubelet"]' : "");
});

test("exec over the API server's passed-on WebSocket: bytes both ways, exit codes", async () => {
  const bytes = randomBytes(1_000_000);
  const { code, stdout, stderr } = await kubectl(["exec", "-i", device, "--", "cat"], bytes);
  assert.equal(code, 0, stderr);
  assert.ok(stdout.equals(bytes));
  for (const expected of [0, 7, 255])
    assert.equal((await kubectl(["exec", device, "--", "exit", String(expected)])).code, expected);
  if (passesOn) assert.ok((await served("exec", "proxied_to_kubelet")) >= 4);
});

test("attach and port-forward over it", async () => {
  const attached = await kubectl(["attach", "-i", device], Buffer.from("echo from the console\n"));
  assert.match(attached.stdout.toString(), /from the console/);
  const { forward, port } = await forwarded();
  await using _forward = forward;
  const bytes = randomBytes(300_000);
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      const socket = connect(port, "127.0.0.1");
      socket.end(bytes);
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      assert.ok(Buffer.concat(parts).equals(bytes));
    }),
  );
  if (!passesOn) return;
  assert.ok((await served("attach", "proxied_to_kubelet")) >= 1);
  assert.ok((await served("portforward", "proxied_to_kubelet")) >= 1);
});

describe("a device that dies", { concurrency: false }, () => {
  for (const webSocket of [true, false])
    test(`ends exec, attach and port-forward with its reason (${webSocket ? "WebSocket" : "SPDY"})`, async () => {
      await using exec = start(["exec", device, "--", "sleep", "100"], webSocket);
      await using attach = start(["attach", device], webSocket);
      const { forward, port } = await forwarded(webSocket);
      await using _forward = forward;
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write("hello");
      await once(socket, "data");

      await fleet.kill();
      for (const running of [exec, attach, forward])
        await running.waitForLine(/device default\/lamp|the device/, { deadlineMs: 20_000 });
      const ended = await Promise.all([exec, attach, forward].map((running) => running.exited));
      for (const { code } of ended) assert.notEqual(code, 0);
      socket.destroy();
      await fleet.restart();
      await answers();
    });
});
