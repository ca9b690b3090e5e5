import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { get } from "node:https";
import { after, before, describe, test } from "node:test";
import { connectAsync } from "mqtt";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startPosixBoard } from "../rig/boards/posix-board.ts";
import { startQemuBoard } from "../rig/boards/qemu-board.ts";
import { startReferenceFleet, startSerialReference } from "../rig/boards/reference-board.ts";
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
import { startProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";
import { badLine, type LineProxy, startLineProxy } from "../rig/wire/line-proxy.ts";

/**
 * The thin slice on real things: kube-apiserver and kubectl, the gateway as a process with a ServiceAccount's token, TS devices over MQTT
 * and serial, the C core as a posix process, and the Cortex-M3 firmware in QEMU; and each of them killed once.
 */
const boards = [
  // `errors`: where stderr comes out; of two streams none is to spare for it.
  { device: "wireless", errors: "stderr", what: "a TS device over MQTT", catBytes: 1_000_000 },
  { device: "wired", errors: "stderr", what: "a TS device over serial", catBytes: 1_000_000 },
  { device: "posix", errors: "stderr", what: "the posix C device over serial", catBytes: 100_000 },
  { device: "tty", errors: "stderr", what: "the posix C device over a pseudo terminal", catBytes: 100_000 },
  { device: "arm", errors: "stdout", what: "the Cortex-M3 firmware in QEMU", catBytes: 100_000 },
] as const;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let folder: TemporaryFolder;
let noisyLine: LineProxy;
const running = new Map<string, Board>();
/** When the gateway was ready and when the last session of each device began, as its log says. */
let readyAtMs = Number.NaN;
const beganAtMs = new Map<string, number>();
const port = (name: string) => `${folder.path}/${name}.sock`;

before(async () => {
  folder = makeTemporaryFolder("motelet-slice-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: {
      "session.heartbeatS": "2",
      "serial.rtoMs": "100",
      "log.level": "debug",
      "store.path": `${folder.path}/gateway.db`,
    },
    onLine: (line) => {
      if (!/"msg":"(session began|gateway ready)"/.test(line)) return;
      const { msg, device, time } = JSON.parse(line) as { msg: string; device?: string; time: string };
      if (msg === "gateway ready") readyAtMs = Date.parse(time);
      else if (device) beganAtMs.set(device, Date.parse(time));
    },
  });
  await gateway.start();
  const ports = {
    wired: port("wired"),
    posix: port("posix"),
    arm: port("arm"),
    noisy: port("noisy-gateway"),
  };
  const serial = Object.entries(ports).map(([name, path]) => deviceManifest(name, { port: `unix:${path}` }));
  const tty = deviceManifest("tty", { port: `pty:${port("tty")}` });
  await apply(cluster, [deviceManifest("wireless"), tty, ...serial].join(""));
  const identity = await waitFor(() => identityOf(cluster, "wireless"), {
    deadlineMs: 20_000,
    what: "the Secret wireless-identity",
  });
  const members = [{ name: "wireless", board: "esp32-c3", ...identity }];
  noisyLine = await startLineProxy({
    listenPath: ports.noisy,
    connectPath: port("noisy"),
    faults: badLine,
    seed: 7,
  });
  running.set(
    "wireless",
    await startReferenceFleet({ mqttPort: gateway.ports.mqtt, members, folder: folder.path }),
  );
  running.set("wired", await startSerialReference({ unixPath: ports.wired, board: "rp2040" }));
  running.set(
    "posix",
    await startPosixBoard({ kind: "unix", path: ports.posix, folder: folder.path, tickS: 1 }),
  );
  running.set(
    "tty",
    await startPosixBoard({ kind: "pty", path: port("tty"), folder: folder.path, tickS: 1 }),
  );
  running.set("noisy", await startPosixBoard({ kind: "unix", path: port("noisy"), folder: folder.path }));
  running.set("arm", await startQemuBoard({ unixPath: ports.arm }));
});

after(async () => {
  for (const board of running.values()) await board[Symbol.asyncDispose]();
  await noisyLine?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

const devices = [...boards.map(({ device }) => device), "noisy"];

async function readyStatus(device: string): Promise<string> {
  return await kubectlOk(
    cluster,
    "get",
    "node",
    device,
    "-o",
    'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
  );
}

async function ready(device: string, deadlineMs = 30_000): Promise<void> {
  await waitFor(async () => (await readyStatus(device)) === "True", {
    deadlineMs,
    what: `the Node ${device} to be Ready`,
  });
}

async function echoes(device: string): Promise<boolean> {
  const { code, stdout } = await cluster.kubectl(["exec", device, "--", "echo", "hi"], { timeoutMs: 20_000 });
  return code === 0 && stdout.toString() === "hi\n";
}

/** Sends random bytes through `cat` on the device and checks what comes back. */
async function catReturns(device: string, bytes: number): Promise<void> {
  const input = randomBytes(bytes);
  const { code, stdout, stderr } = await cluster.kubectl(["exec", "-i", device, "--", "cat"], {
    input,
    timeoutMs: 170_000,
  });
  assert.equal(code, 0, stderr);
  const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");
  assert.equal(stdout.length, input.length);
  assert.equal(digest(stdout), digest(input));
}

async function logsShow(device: string, pattern: RegExp, deadlineMs = 20_000): Promise<void> {
  await waitFor(async () => pattern.test(await kubectlOk(cluster, "logs", device)), {
    deadlineMs,
    what: `${pattern} in the log of ${device}`,
  });
}

for (const { device, what, errors, catBytes } of boards) {
  describe(`${what} is a Node`, { concurrency: false }, () => {
    test("kubectl get nodes shows it Ready, kubectl get devices Online", async () => {
      await ready(device);
      const line = (await kubectlOk(cluster, "get", "nodes", device, "--no-headers")).trim().split(/\s+/);
      assert.equal(line[1], "Ready");
      const [name, isReady, phase] = (await kubectlOk(cluster, "get", "devices", device, "--no-headers"))
        .trim()
        .split(/\s+/);
      assert.deepEqual([name, isReady, phase], [device, "True", "Online"]);
    });

    test("exec -- echo hi prints hi", async () => {
      assert.equal(await kubectlOk(cluster, "exec", device, "--", "echo", "hi"), "hi\n");
    });

    test(`exec -- exit 7 ends with 7, and what is unknown with 127 and a line on ${errors}`, async () => {
      assert.equal((await cluster.kubectl(["exec", device, "--", "exit", "7"])).code, 7);
      const unknown = await cluster.kubectl(["exec", device, "--", "frobnicate"]);
      assert.equal(unknown.code, 127);
      assert.match(unknown[errors].toString(), /frobnicate/);
    });

    test(`exec -i -- cat returns ${catBytes} bytes unchanged`, async () => {
      await catReturns(device, catBytes);
    });

    test("logs shows its boot, and logs -f what comes while it follows", async () => {
      await logsShow(device, /^boot \d+: motelet-\S+ \S+, board \S+, reset: [a-z ]+, build [0-9a-f]{16}$/m);
      await using follower = startProcess({
        name: `kubectl logs -f ${device}`,
        command: cluster.kubectlPath,
        args: ["logs", "-f", "--tail=0", device],
        env: cluster.kubectlEnvironment(),
      });
      // A follower that shows nothing yet cannot be told from one that does not follow: make lines until one comes.
      await waitFor(
        async () => {
          await kubectlOk(cluster, "exec", device, "--", "log", "followed");
          return follower.lastLines().some((line) => line.includes("followed"));
        },
        { deadlineMs: 20_000, what: `"followed" in kubectl logs -f ${device}` },
      );
    });
  });
}

describe("a serial line that flips a bit in 1 of 2,000 bytes", () => {
  test("loses nothing of 100 kB over and back", async () => {
    await ready("noisy");
    for (let times = process.env.MOTELET_SOAK ? 20 : 1; times > 0; times--)
      await catReturns("noisy", 100_000);
    assert.ok(
      noisyLine.counts.toDevice.flipped > 20 && noisyLine.counts.toGateway.flipped > 20,
      JSON.stringify(noisyLine.counts),
    );
  });
});

describe("a terminal", () => {
  test("kubectl exec -it shows what the device prints", async () => {
    const command = `${cluster.kubectlPath} exec -it wireless -- echo over a terminal`;
    const script = startProcess({
      name: "script",
      command: "script",
      args: ["-qec", command, "/dev/null"],
      env: cluster.kubectlEnvironment(),
    });
    assert.equal((await script.exited).code, 0, script.lastLines().join("\n"));
    assert.match(script.lastLines().join("\n"), /over a terminal/);
  });
});

describe("console text of the C firmware", () => {
  test("printf text outside frames is in kubectl logs", async () => {
    await logsShow("posix", /tick \d+/);
    await logsShow("arm", /motelet/);
  });

  test("kubectl attach shows it as it is printed, whether or not the firmware has a console command", async () => {
    await using attached = startProcess({
      name: "kubectl attach",
      command: cluster.kubectlPath,
      args: ["attach", "posix"],
      env: cluster.kubectlEnvironment(),
    });
    await waitFor(() => attached.lastLines().some((line) => /tick \d+/.test(line)), {
      deadlineMs: 20_000,
      what: "a tick in kubectl attach",
    });
  });

  for (const device of ["posix", "arm"]) {
    test(`a panic text inside a broken frame of ${device} is in kubectl logs`, async () => {
      await cluster.kubectl(["exec", device, "--", "panic"], { timeoutMs: 20_000 });
      await waitFor(
        async () => {
          const logs = [
            await cluster.kubectl(["logs", device]),
            await cluster.kubectl(["logs", "--previous", device]),
          ];
          return logs.some(({ stdout }) => /PANIC/i.test(stdout.toString()));
        },
        { deadlineMs: 20_000, what: `the panic text in the log of ${device}` },
      );
      await ready(device);
      await waitFor(() => echoes(device), { deadlineMs: 20_000, what: `${device} to answer again` });
    });
  }
});

describe("who may call the kubelet port", () => {
  function statusOf(
    path: string,
    headers: Record<string, string> = {},
    pair: { cert?: string; key?: string } = {},
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port: gateway.ports.kubelet,
        path,
        headers,
        rejectUnauthorized: false,
        agent: false as const,
        ...pair,
      };
      get(options, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on("error", reject);
    });
  }
  const logs = "/containerLogs/default/posix/device";

  test("an unauthenticated caller gets 401, with a wrong token too", async () => {
    assert.equal(await statusOf(logs), 401);
    assert.equal(await statusOf("/exec/default/posix/device?command=echo&output=1"), 401);
    assert.equal(await statusOf(logs, { authorization: "Bearer not-a-token" }), 401);
    assert.ok((await gateway.metric("motelet_kubelet_refusals_total")) >= 3);
  });

  test("an authenticated caller without rights gets 403", async () => {
    const pair = await cluster.issueCertificate({
      commonName: "nobody-special",
      organizations: [],
      usage: "client",
    });
    assert.equal(await statusOf(logs, {}, { cert: pair.certificate, key: pair.key }), 403);
    const token = await cluster.serviceAccountToken("default", "default", 600);
    assert.equal(await statusOf(logs, { authorization: `Bearer ${token}` }), 403);
  });
});

describe("a device that is not who it says", () => {
  const broker = () => `mqtt://127.0.0.1:${gateway.ports.mqtt}`;
  async function refusedLine(reason: string): Promise<void> {
    await gateway.process.waitForLine(new RegExp(`"level":"warn".*"${reason}"`), { deadlineMs: 10_000 });
  }

  test("with a wrong password is refused with a log line and a counter", async () => {
    const identity = await identityOf(cluster, "wireless");
    assert.ok(identity);
    const before = await gateway.metric("motelet_mqtt_refused_total", { reason: "wrong-password" });
    const attempt = connectAsync(broker(), {
      clientId: identity.wireId,
      username: `${identity.wireId}.${identity.generation}`,
      password: "wrong",
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    await assert.rejects(attempt);
    await refusedLine("wrong-password");
    assert.equal(
      await gateway.metric("motelet_mqtt_refused_total", { reason: "wrong-password" }),
      before + 1,
    );
    assert.equal(await readyStatus("wireless"), "True");
  });

  test("shows at the Device as Event and condition, which its next session removes", async () => {
    await apply(cluster, deviceManifest("mistaken"));
    const identity = await waitFor(() => identityOf(cluster, "mistaken"), {
      deadlineMs: 20_000,
      what: "its Secret",
    });
    const { wireId, generation } = identity;
    const attempts = [
      { username: `${wireId}.${generation}`, password: "wrong", code: "wrong-password" },
      { username: `${wireId}.${generation + 1}`, password: identity.password, code: "wrong-generation" },
      // What people try first: the wire id alone.
      { username: wireId, password: "wrong", code: "user-name" },
      { username: `${wireId}.${generation}`, clientId: "mistaken", code: "client-id" },
    ];
    const shown = async (what: string) =>
      await kubectlOk(
        cluster,
        "get",
        "device",
        "mistaken",
        "-o",
        `jsonpath={.status.conditions[?(@.type=="Refused")].${what}}`,
      );
    for (const { code, ...options } of attempts) {
      const given = { clientId: wireId, protocolVersion: 4, reconnectPeriod: 0, ...options } as const;
      await assert.rejects(connectAsync(broker(), given));
      await waitFor(
        async () =>
          (await shown("message")).includes(`a client at 127.0.0.1 was refused:`) &&
          (await shown("message")).endsWith(`(${code})`),
        {
          deadlineMs: 10_000,
          what: `the condition with ${code}`,
        },
      );
      assert.equal(await shown("reason"), "AuthenticationFailed");
    }
    const described = await waitFor(
      async () => {
        const text = await kubectlOk(cluster, "describe", "device", "mistaken");
        return (
          text.match(/Warning +AuthenticationFailed .* a client at 127\.0\.0\.1 was refused:/g)?.length ===
            4 && text
        );
      },
      { deadlineMs: 10_000, what: "four Events" },
    );
    for (const { code } of attempts) assert.match(described, new RegExp(`\\(${code}\\)`));

    await using own = makeTemporaryFolder("motelet-mistaken-");
    const members = [{ name: "mistaken", board: "esp32-c3", ...identity }];
    await using _fleet = await startReferenceFleet({
      mqttPort: gateway.ports.mqtt,
      members,
      folder: own.path,
    });
    await waitFor(async () => (await shown("status")) === "", {
      deadlineMs: 20_000,
      what: "no condition Refused",
    });
    await kubectlOk(cluster, "delete", "device", "mistaken", "--timeout=20s");
  });

  test("that publishes on another's topic is refused with a log line and a counter", async () => {
    await apply(cluster, deviceManifest("intruder"));
    const identity = await waitFor(() => identityOf(cluster, "intruder"), {
      deadlineMs: 20_000,
      what: "its Secret",
    });
    const victim = await identityOf(cluster, "wireless");
    const client = await waitFor(
      () =>
        connectAsync(broker(), {
          clientId: identity.wireId,
          username: `${identity.wireId}.${identity.generation}`,
          password: identity.password,
          protocolVersion: 4,
          reconnectPeriod: 0,
        }),
      { deadlineMs: 10_000, what: "the intruder's connection" },
    );
    const closed = new Promise((resolve) => client.once("close", () => resolve(undefined)));
    client.publish(`m/${victim?.wireId}/u`, Buffer.from("8105", "hex"), { qos: 0 });
    await closed;
    await refusedLine("publish-topic");
    assert.equal(await gateway.metric("motelet_mqtt_refused_total", { reason: "publish-topic" }), 1);
    client.end(true);
    await kubectlOk(cluster, "delete", "device", "intruder", "--timeout=20s");
  });
});

const rounds = process.env.MOTELET_SOAK ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [1];

for (const round of rounds)
  describe(`killed with -9 in the middle, round ${round} of ${rounds.length}`, { concurrency: false }, () => {
    test("a device: its Node turns NotReady and is Ready again after its return", async () => {
      for (const device of ["wireless", "wired", "posix", "tty", "arm"]) await running.get(device)?.kill();
      for (const device of ["wireless", "wired", "posix", "tty", "arm"]) {
        await waitFor(async () => (await readyStatus(device)) === "False", {
          deadlineMs: 20_000,
          what: `${device} to lose Ready`,
        });
        await running.get(device)?.restart();
        await ready(device);
        await waitFor(() => echoes(device), { deadlineMs: 20_000, what: `exec on ${device}` });
      }
    });

    test("the gateway: everything answers again by itself, the C devices within 3 s", async () => {
      await gateway.kill();
      beganAtMs.clear();
      const startedMs = performance.now();
      await gateway.start();
      const readyMs = performance.now();
      for (const device of ["posix", "tty", "arm"]) {
        // As the gateway says: a kubectl that asks takes a second and more on a busy machine.
        const beganMs = await waitFor(() => beganAtMs.get(`default/${device}`), {
          deadlineMs: 20_000,
          what: `${device} to be back`,
        });
        assert.ok(beganMs - readyAtMs <= 3_000, `${device}: ${beganMs - readyAtMs} ms`);
        console.log(
          `gateway ready after ${Math.round(readyMs - startedMs)} ms, ${device} ${beganMs - readyAtMs} ms later`,
        );
      }
      for (const device of devices) {
        await ready(device);
        await waitFor(() => echoes(device), { deadlineMs: 20_000, what: `exec on ${device}` });
      }
    });

    test("the API server: everything is Ready again by itself", async () => {
      await cluster.killApiServer();
      await cluster.restartApiServer();
      for (const device of devices) {
        await ready(device, 60_000);
        await waitFor(() => echoes(device), { deadlineMs: 30_000, what: `exec on ${device}` });
      }
    });
  });
