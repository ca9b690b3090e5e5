import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import { after, before, describe, test } from "node:test";
import { cpuSeconds } from "../bench/cpu-account.ts";
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

/** Each flag of `kubectl logs` against a log that is known, on a TS device over MQTT. */
const device = "lamp";
const followers = 100;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let folder: TemporaryFolder;

before(async () => {
  folder = makeTemporaryFolder("motelet-logs-");
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
    what: `the Secret ${device}-identity`,
  });
  const members = [{ name: device, board: "esp32-c3", ...identity }];
  fleet = await startReferenceFleet({ mqttPort: gateway.ports.mqtt, members, folder: folder.path });
  await answers();
  for (const text of ["zero", "one", "two", "three äöü", "four"]) await says(text);
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
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

const logs = (...flags: readonly string[]) => kubectlOk(cluster, "logs", device, ...flags);

/** Lets the device log a line, and waits until it is in the store. */
async function says(text: string): Promise<void> {
  await kubectlOk(cluster, "exec", device, "--", "log", text);
  await waitFor(async () => (await logs()).includes(`${text}\n`), {
    deadlineMs: 20_000,
    what: `"${text}" in the log`,
  });
}

function follow(...flags: readonly string[]): RunningProcess {
  return startProcess({
    name: `kubectl logs -f ${device}`,
    command: cluster.kubectlPath,
    args: ["logs", "-f", device, ...flags],
    env: cluster.kubectlEnvironment(),
  });
}

/** The lines of a text, each with its end. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

describe("the flags of kubectl logs", { concurrency: false }, () => {
  test("--timestamps puts nine digits of a second before each line", async () => {
    const stamped = linesOf(await logs("--timestamps"));
    for (const line of stamped) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z [^\n]*\n$/);
    assert.equal(stamped.map((line) => line.slice(line.indexOf(" ") + 1)).join(""), await logs());
  });

  test("--tail counts from the end, 0 gives nothing, -1 everything", async () => {
    const all = linesOf(await logs());
    for (const count of [1, 3, all.length - 1, all.length, all.length + 10])
      assert.equal(await logs(`--tail=${count}`), all.slice(-count).join(""), `--tail=${count}`);
    assert.equal(await logs("--tail=0"), "");
    assert.equal(await logs("--tail=-1"), all.join(""));
  });

  test("--since-time and --since give what is stamped since then, after the tail was taken", async () => {
    const stamped = linesOf(await logs("--timestamps"));
    const second = (line: string) => `${line.slice(0, 19)}Z`;
    const from = second(stamped.at(-2) ?? "");
    // What kubectl sends has whole seconds.
    const wanted = stamped.filter((line) => second(line) >= from);
    assert.ok(wanted.length >= 2);
    assert.equal(await logs("--timestamps", `--since-time=${from}`), wanted.join(""));
    assert.equal(await logs("--timestamps", `--since-time=${from}`, "--tail=1"), wanted.slice(-1).join(""));
    assert.equal(await logs("--since-time=2999-01-01T00:00:00Z"), "");
    assert.equal(await logs("--timestamps", "--since=24h"), stamped.join(""));
    assert.notEqual((await cluster.kubectl(["logs", device, "--since=1h", `--since-time=${from}`])).code, 0);
  });

  test("--limit-bytes cuts in the middle of a line and of a character, and stamps count", async () => {
    const plain = Buffer.from(await logs());
    const stamped = Buffer.from(await logs("--timestamps"));
    const cutInCharacter = plain.indexOf("ä") + 1;
    for (const bytes of [1, 10, cutInCharacter, plain.length, plain.length + 1]) {
      const { stdout } = await cluster.kubectl(["logs", device, `--limit-bytes=${bytes}`]);
      assert.deepEqual(stdout, plain.subarray(0, bytes), `--limit-bytes=${bytes}`);
    }
    const { stdout } = await cluster.kubectl(["logs", device, "--timestamps", "--limit-bytes=40"]);
    assert.deepEqual(stdout, stamped.subarray(0, 40));
  });

  test("--follow goes on until it has --limit-bytes", async () => {
    await using follower = follow("--tail=0", "--limit-bytes=4");
    await waitFor(
      async () => {
        await kubectlOk(cluster, "exec", device, "--", "log", "followed");
        return follower.exitStatus;
      },
      { deadlineMs: 20_000, what: "the follower's end" },
    );
    assert.deepEqual([follower.exitStatus?.code, follower.lastLines()], [0, ["foll"]]);
  });

  test("--previous without a boot before is an error in a kubelet's words", async () => {
    const { code, stderr } = await cluster.kubectl(["logs", device, "--previous"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error from server \(BadRequest\): previous terminated container "device" in pod "lamp" not found$/m,
    );
  });

  test("a container that is not there is told before the device is asked", async () => {
    const { code, stderr } = await cluster.kubectl(["logs", device, "-c", "nosuch"]);
    assert.equal(code, 1);
    assert.match(stderr, /container nosuch is not valid for pod lamp/);
  });

  test("after a reboot the log begins anew, and --previous has the one before, with tail and stamps too", async () => {
    const earlier = await logs();
    await kubectlOk(cluster, "exec", device, "--", "reboot");
    const previous = await waitFor(
      async () => {
        const { code, stdout } = await cluster.kubectl(["logs", device, "--previous"]);
        return code === 0 && stdout.toString();
      },
      { deadlineMs: 30_000, what: "the log of the boot before" },
    );
    assert.ok(previous.startsWith(earlier), previous);
    await answers();
    assert.ok(!(await logs()).includes("three äöü"));
    assert.equal(await logs("--previous", "--tail=1"), linesOf(previous).slice(-1).join(""));
    assert.match(await logs("--previous", "--timestamps", "--tail=1"), /^\d{4}-\S{25} /);
    // It has ended, so there is nothing to follow.
    assert.equal(await logs("--previous", "-f"), previous);
  });

  test("a follower goes on over a reboot", async () => {
    await using follower = follow("--tail=1");
    await waitFor(() => follower.lastLines().length > 0, { deadlineMs: 20_000, what: "a line" });
    const boot = () => kubectlOk(cluster, "get", "device", device, "-o", "jsonpath={.status.boot}");
    const bootBefore = await boot();
    await kubectlOk(cluster, "exec", device, "--", "reboot");
    // The shell ends before the device does: until then it answers.
    await waitFor(async () => (await boot()) !== bootBefore, { deadlineMs: 20_000, what: "a new boot" });
    await answers();
    await says("after the reboot");
    await waitFor(() => follower.lastLines().at(-1) === "after the reboot", {
      deadlineMs: 10_000,
      what: `the line of the new boot, not ${JSON.stringify(follower.lastLines())}`,
    });
  });

  test("a gateway that was killed gives the same logs when it is back", async () => {
    const [current, previous] = [await logs(), await logs("--previous")];
    await gateway.kill();
    await gateway.start();
    assert.equal(await logs("--previous"), previous);
    assert.ok((await logs()).startsWith(current));
    await answers();
  });
});

test(`${followers} followers all get each line, and the gateway is not busy with them`, async (t) => {
  await using crowd = await followDirectly(followers);
  const text = `for everybody ${Date.now()}`;
  const [startedMs, busySeconds] = [performance.now(), cpuSeconds(gateway.process.pid)];
  for (let times = 0; times < 10; times++) await kubectlOk(cluster, "exec", device, "--", "log", text);
  await waitFor(() => crowd.texts.every((read) => read().split(text).length > 10), {
    deadlineMs: 20_000,
    what: `each of ${followers} followers to have 10 lines`,
  });
  const busyS = cpuSeconds(gateway.process.pid) - busySeconds;
  t.diagnostic(
    `${followers} followers × 10 lines: ${(performance.now() - startedMs).toFixed(0)} ms, of which the gateway was busy ${(busyS * 1_000).toFixed(0)}`,
  );
  assert.equal(await gateway.metric("motelet_kubelet_open_streams", { route: "containerLogs" }), followers);
});

test("logs -f of a device that dies ends within 3 s of the detection, and its last line says so", async (t) => {
  await using follower = follow("--tail=1");
  await waitFor(() => follower.lastLines().length > 0, { deadlineMs: 20_000, what: "a line" });
  await fleet.kill();
  const phase = () => kubectlOk(cluster, "get", "device", device, "-o", "jsonpath={.status.phase}");
  await waitFor(async () => (await phase()) === "Offline", {
    deadlineMs: 30_000,
    what: `${device} to be Offline`,
  });
  const detectedMs = performance.now();
  const { code } = await waitFor(() => follower.exitStatus, {
    deadlineMs: 3_000,
    what: "the follower's end",
  });
  t.diagnostic(`ended ${(performance.now() - detectedMs).toFixed(0)} ms after the Device was Offline`);
  assert.equal(code, 0);
  assert.match(
    follower.lastLines().at(-1) ?? "",
    /^motelet: device default\/lamp is offline, last seen \S+: nothing more to follow$/,
  );
});

/** Follows the log through the API server without a kubectl each, and returns when all have been answered. */
async function followDirectly(
  count: number,
): Promise<AsyncDisposable & { readonly texts: readonly (() => string)[] }> {
  const { certificate, key } = await cluster.issueCertificate({
    commonName: "crowd",
    organizations: ["system:masters"],
    usage: "client",
  });
  const agent = new Agent({ ca: cluster.caPem, cert: certificate, key, keepAlive: false });
  const url = `${cluster.url}/api/v1/namespaces/default/pods/${device}/log?follow=true&tailLines=0`;
  const opened = Array.from({ length: count }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let text = "";
    const sent = request(url, { agent }, (answer) => {
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("error", () => undefined);
      resolve();
    });
    sent.on("error", reject).end();
    return { answered: promise, text: () => text, end: () => sent.destroy() };
  });
  await Promise.all(opened.map(({ answered }) => answered));
  return {
    texts: opened.map(({ text }) => text),
    [Symbol.asyncDispose]: async () => {
      for (const { end } of opened) end();
      agent.destroy();
    },
  };
}
