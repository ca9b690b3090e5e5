import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startQemuBoard } from "../rig/boards/qemu-board.ts";
import { RigError } from "../rig/errors.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  install,
  kubectlOk,
} from "../rig/installation.ts";
import { startProcess } from "../rig/process.ts";
import { Terminal } from "../rig/terminal.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/** kubectl on the Cortex-M3 firmware, one UART and 4 MiB of RAM away. `kubectl top` of it is in top.test.ts. */
const device = "arm";
/** Ports of its services: a UART, and an echo. */
const uartPort = 1;
const echoPort = 7;
/** What a transfer of a few kilobytes may take on a busy machine. */
const transferMs = 60_000;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let board: Board;
let folder: TemporaryFolder;

before(async () => {
  folder = makeTemporaryFolder("motelet-cortex-m-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: {
      "session.heartbeatS": "2",
      "serial.rtoMs": "100",
      "store.path": `${folder.path}/gateway.db`,
    },
  });
  await gateway.start();
  await apply(cluster, deviceManifest(device, { port: `unix:${folder.path}/arm.sock` }));
  board = await startQemuBoard({
    unixPath: `${folder.path}/arm.sock`,
    secondUartPath: `${folder.path}/uart.sock`,
    flashPath: `${folder.path}/flash.bin`,
  });
  await answers();
});

after(async () => {
  await board?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

async function answers(): Promise<void> {
  await waitFor(async () => (await cluster.kubectl(["exec", device, "--", "echo"])).code === 0, {
    deadlineMs: 30_000,
    what: `${device} to answer`,
  });
}

const exec = (...argv: string[]) => kubectlOk(cluster, "exec", device, "--", ...argv);

describe("the Cortex-M3 firmware", { concurrency: false }, () => {
  test("exec: help names the commands, and exit codes come through", async () => {
    assert.match(await exec("help"), /^echo/m);
    for (const code of ["255", "256"])
      assert.equal((await cluster.kubectl(["exec", device, "--", "exit", code])).code, 255);
    assert.match(await exec("ps"), /idle/);
  });

  test("top on a terminal runs until Ctrl-C, and the size of the terminal is known", async () => {
    const onTerminal = (...argv: string[]) =>
      Terminal.start({
        command: cluster.kubectlPath,
        args: ["exec", "-it", device, "--", ...argv],
        env: cluster.kubectlEnvironment(),
        columns: 101,
        rows: 37,
        folder: folder.path,
      });
    for (const [command, shown] of [
      [["top"], /cpu \d+ %/],
      [["size", "-f"], /101 37/],
    ] as const) {
      await using window = onTerminal(...command);
      await window.process.waitForLine(shown, { deadlineMs: 20_000 });
      window.type("\x03");
      assert.equal((await window.process.exited).code, 130);
    }
  });

  test("sh is its console on a terminal, and runs lists of commands without one", async () => {
    await using window = Terminal.start({
      command: cluster.kubectlPath,
      args: ["exec", "-it", device, "--", "sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"],
      env: cluster.kubectlEnvironment(),
      columns: 101,
      rows: 37,
      folder: folder.path,
    });
    await window.waitFor(/> $/, { deadlineMs: 20_000 });
    window.type("size\r");
    await window.process.waitForLine(/^101 37/, { deadlineMs: 20_000 });
    window.type("\x04");
    assert.equal((await window.process.exited).code, 0);
    assert.equal(
      await exec("sh", "-c", "frobnicate 2>/dev/null || ls /none 2>/dev/null || echo 'no  such'"),
      "no  such\n",
    );
  });

  test("attach is its console", async () => {
    const { code, stdout, stderr } = await cluster.kubectl(["attach", "-i", device], {
      input: "echo over the console\n",
      timeoutMs: 60_000,
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout.toString(), /over the console/);
  });

  test("cp carries 20 kB both ways, and they outlast a power-off", async () => {
    const content = randomBytes(20_000);
    await writeFile(`${folder.path}/there`, content);
    await kubectlOk(cluster, "cp", `${folder.path}/there`, `${device}:/kept`);
    await board.kill();
    await board.restart();
    await answers();
    await kubectlOk(cluster, "cp", `${device}:/kept`, `${folder.path}/back`);
    assert.deepEqual(await readFile(`${folder.path}/back`), content);
  });

  test("logs --previous after a reboot is what the boot before had said", async () => {
    await exec("log", "before the reboot");
    await exec("reboot");
    await waitFor(
      async () => {
        const { stdout, stderr } = await cluster.kubectl(["logs", "--previous", device]);
        assert.match(stdout.toString() + stderr, /before the reboot/);
        return true;
      },
      { deadlineMs: 30_000, what: "the log of the boot before" },
    );
    assert.doesNotMatch(await kubectlOk(cluster, "logs", device), /before the reboot/);
    await answers();
  });

  test("port-forward reaches its echo service", async () => {
    const sent = randomBytes(5_000);
    assert.deepEqual(await throughForward(echoPort, sent), sent);
  });

  test("with its two streams exec, logs -f and a port-forward go together, and a third is told who has them", async () => {
    const started = (name: string, ...args: string[]) =>
      startProcess({ name, command: cluster.kubectlPath, args, env: cluster.kubectlEnvironment() });
    await using cat = started("kubectl exec", "exec", "-i", device, "--", "cat");
    cat.stdin.write("in and out\n");
    await cat.waitForLine(/in and out/, { deadlineMs: 20_000 });
    await using logs = started("kubectl logs -f", "logs", "-f", "--tail=1", device);
    await using forward = await forwarded(echoPort);
    const phone = connect(forward.port, "127.0.0.1");
    try {
      phone.write("echoed");
      const [echoed] = await once(phone, "data", { signal: AbortSignal.timeout(20_000) });
      assert.equal(String(echoed), "echoed");
      const third = await cluster.kubectl(["exec", device, "--", "ps"]);
      assert.equal(third.code, 1);
      assert.match(
        third.stderr,
        /2 of its 2 streams are in use: exec cat by \S+ \(\d+ s\), port-forward to 7 by \S+ \(\d+ s\)/,
      );
      phone.destroy();
      await answers();
      await exec("log", "said beside a command that runs");
      await logs.waitForLine(/said beside a command/, { deadlineMs: 20_000 });
    } finally {
      phone.destroy();
    }
    cat.stdin.end();
    assert.equal((await cat.exited).code, 0);
  });

  test("port-forward reaches what is at its second UART", async () => {
    await using forward = await forwarded(uartPort);
    const wire = connect(`${folder.path}/uart.sock`);
    const phone = connect(forward.port, "127.0.0.1");
    try {
      phone.write("from the network");
      wire.write("from the wire");
      const [network, serial] = await Promise.all([received(phone, 13), received(wire, 16)]);
      assert.equal(network.toString(), "from the wire");
      assert.equal(serial.toString(), "from the network");
    } finally {
      wire.destroy();
      phone.destroy();
    }
  });
});

async function forwarded(servicePort: number): Promise<{ port: number } & AsyncDisposable> {
  const forward = startProcess({
    name: "kubectl port-forward",
    command: cluster.kubectlPath,
    args: ["port-forward", `pod/${device}`, `:${servicePort}`],
    env: cluster.kubectlEnvironment(),
  });
  const [, port] = await forward.waitForLine(/Forwarding from 127\.0\.0\.1:(\d+) ->/, {
    deadlineMs: 30_000,
  });
  return { port: Number(port), [Symbol.asyncDispose]: () => forward[Symbol.asyncDispose]() };
}

/** Sends bytes, ends, and returns all that comes back. */
async function throughForward(servicePort: number, bytes: Uint8Array): Promise<Buffer> {
  await using forward = await forwarded(servicePort);
  const socket = connect(forward.port, "127.0.0.1");
  socket.end(bytes);
  return Buffer.concat(await socket.toArray({ signal: AbortSignal.timeout(transferMs) }));
}

/** The next `count` bytes. */
/** Returns the first bytes that a socket receives: at least `count` of them, unless it ends before. */
async function received(socket: Socket, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const silent = () => socket.destroy(new RigError("SILENT", `${bytes.length} of ${count} bytes came`));
  const timer = setTimeout(silent, transferMs);
  try {
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= count) break;
    }
  } finally {
    clearTimeout(timer);
  }
  return bytes;
}
