import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, describe, test } from "node:test";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startPosixBoard } from "../rig/boards/posix-board.ts";
import { startQemuBoard } from "../rig/boards/qemu-board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { resolutionS, startMetricsServer, withMetricsServer } from "../rig/cluster/metrics-server.ts";
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
import type { RunningProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/** metrics-server itself, with the rights of its own manifests, between `kubectl top` and devices of both languages. */
const devices = [
  { device: "wireless", what: "a TS device over MQTT", heap: true },
  { device: "posix", what: "the posix C device over serial", heap: false },
  { device: "arm", what: "the Cortex-M3 firmware in QEMU", heap: false },
] as const;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let metricsServer: RunningProcess;
let folder: TemporaryFolder;
const running = new Map<string, Board>();

before(async () => {
  folder = makeTemporaryFolder("motelet-top-");
  cluster = await startControlPlane(withMetricsServer);
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "2", "serial.rtoMs": "100" },
  });
  await gateway.start();
  const line = (name: string) => `${folder.path}/${name}.sock`;
  const serial = ["posix", "arm"].map((name) => deviceManifest(name, { port: `unix:${line(name)}` }));
  await apply(cluster, deviceManifest("wireless") + serial.join(""));
  const identity = await waitFor(() => identityOf(cluster, "wireless"), {
    deadlineMs: 20_000,
    what: "the Secret wireless-identity",
  });
  const members = [{ name: "wireless", board: "esp32-c3", ...identity }];
  running.set(
    "wireless",
    await startReferenceFleet({ mqttPort: gateway.ports.mqtt, members, folder: folder.path }),
  );
  running.set("posix", await startPosixBoard({ kind: "unix", path: line("posix"), folder: folder.path }));
  running.set("arm", await startQemuBoard({ unixPath: line("arm") }));
  metricsServer = await startMetricsServer(cluster);
});

after(async () => {
  await metricsServer?.[Symbol.asyncDispose]();
  for (const board of running.values()) await board[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

/** What metrics-server says of a Node, and of the container `device` of the Pod of that name. */
async function measured(device: string): Promise<{ node: Usage; container: Usage }> {
  const get = async (path: string) =>
    JSON.parse(await kubectlOk(cluster, "get", "--raw", `/apis/metrics.k8s.io/v1beta1/${path}`));
  const node = await get(`nodes/${device}`);
  const pod = await get(`namespaces/default/pods/${device}`);
  const container = pod.containers.find(({ name }: { name: string }) => name === "device");
  return { node: node.usage, container: container.usage };
}

/** What the kubelet API has under /stats. Asked at the gateway: nodes/proxy of 1.37 reaches no loopback address. */
async function summary(path: string) {
  const { certificate, key } = await cluster.issueCertificate({
    commonName: "reader",
    organizations: ["system:masters"],
    usage: "client",
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const host = { host: "127.0.0.1", port: gateway.ports.kubelet, path: `/stats/${path}`, agent: false };
  const sent = request({ ...host, cert: certificate, key, rejectUnauthorized: false }, async (answer) =>
    resolve((await answer.toArray()).join("")),
  );
  sent.on("error", reject).end();
  return JSON.parse(await promise);
}

/** A quantity of bytes: "299008", "292Ki", "12Mi". */
function bytesOf(quantity: string): number {
  const [, number, unit = ""] = /^(\d+)(Ki|Mi|Gi)?$/.exec(quantity) ?? [];
  return Number(number) * { "": 1, Ki: 1_024, Mi: 1_048_576, Gi: 1_073_741_824 }[unit as "Ki"];
}

/** A quantity of processors, in cores: "12", "3m", "4u", "1234567n". */
function coresOf(quantity: string): number {
  const [, number, unit = ""] = /^(\d+)([num]?)$/.exec(quantity) ?? [];
  return Number(number) * { "": 1, m: 1e-3, u: 1e-6, n: 1e-9 }[unit as "m"];
}

/** RAM of a device that is not free heap, by its Node's capacity and its own shell. */
async function usedBytes(device: string): Promise<number> {
  const capacity = await kubectlOk(
    cluster,
    "get",
    "node",
    device,
    "-o",
    "jsonpath={.status.capacity.memory}",
  );
  const free = /^free (\d+)$/m.exec(await kubectlOk(cluster, "exec", device, "--", "free"))?.[1];
  return bytesOf(capacity) - Number(free);
}

/** Busy milliseconds of a device since its boot, by its own shell: all its tasks but the one that is idle. */
async function busyMs(device: string): Promise<number> {
  const lines = (await kubectlOk(cluster, "exec", device, "--", "ps")).trim().split("\n").slice(1);
  return lines
    .map((line) => line.split("\t"))
    .filter(([, , , name]) => name !== "idle")
    .reduce((sum, [, seconds]) => sum + Number(seconds) * 1_000, 0);
}

// All devices at a time: most of a test is waiting for the next scrape.
describe("kubectl top", { concurrency: true }, () => {
  for (const { device, what, heap } of devices) {
    describe(what, { concurrency: false }, () => {
      test("kubectl top node and top pod have its figures after two scrapes", async (t) => {
        for (const kind of ["node", "pod"]) {
          const [name, cpu, ...rest] = await waitFor(
            async () => {
              const { code, stdout } = await cluster.kubectl(["top", kind, device, "--no-headers"]);
              return code === 0 && stdout.toString().trim().split(/\s+/);
            },
            {
              deadlineMs: 6 * resolutionS * 1_000,
              what: `figures of kubectl top ${kind}`,
              intervalMs: 1_000,
            },
          );
          t.diagnostic([kind, name, cpu, ...rest].join(" "));
          assert.equal(name, device);
          assert.match(cpu ?? "", /^\d+m$/);
          assert.match(rest.find((word) => word.endsWith("Mi")) ?? "", /^\d+Mi$/);
        }
      });

      test("its memory is what its own shell says", async (t) => {
        if (!heap) {
          // All its memory is laid out by the linker. Nothing would be dropped by metrics-server, so it is a byte.
          // A device with two streams sends both on stdout.
          const { stdout, stderr } = await cluster.kubectl(["exec", device, "--", "free"]);
          assert.match(`${stdout}${stderr}`, /^free: there is no heap$/m);
          const { node, container } = await measured(device);
          assert.deepEqual([node.memory, container.memory], ["1", "1"]);
          return;
        }
        // Figures are as old as the last scrape: wait for one that is near what the device says at this moment.
        await waitFor(
          async () => {
            const wanted = await usedBytes(device);
            const { node, container } = await measured(device);
            const near = (quantity: string) => Math.abs(bytesOf(quantity) - wanted) <= 0.1 * wanted;
            t.diagnostic(`metrics-server says ${node.memory}, the device ${wanted} bytes`);
            return near(node.memory) && near(container.memory);
          },
          {
            deadlineMs: 4 * resolutionS * 1_000,
            what: "memory within a tenth of the device's own",
            intervalMs: 1_000,
          },
        );
      });

      test("its summary has its own path, and the one that names no Node has no figures", async () => {
        const { node, pods } = await summary(`nodes/${device}/summary`);
        assert.equal(node.nodeName, device);
        assert.ok(node.cpu.usageCoreNanoSeconds > 0 && node.memory.workingSetBytes > (heap ? 1_000 : 0));
        const uid = await kubectlOk(cluster, "get", "pod", device, "-o", "jsonpath={.metadata.uid}");
        assert.deepEqual(pods[0].podRef, { name: device, namespace: "default", uid });
        assert.deepEqual((await summary("summary")).pods, []);
      });

      test("its processor time grows as its own shell counts it", async (t) => {
        const input = Buffer.alloc(20_000, "mote");
        const windowMs = 1.5 * resolutionS * 1_000;
        const looks = [{ atMs: performance.now(), busyMs: await busyMs(device) }];
        // Work whose share of the processor stands out, until metrics-server's window and ours have seen nothing else.
        await waitFor(
          async () => {
            await cluster.kubectl(["exec", "-i", device, "--", "cat"], { input });
            const now = { atMs: performance.now(), busyMs: await busyMs(device) };
            looks.push(now);
            const from = looks.findLast(({ atMs }) => now.atMs - atMs >= windowMs);
            if (!from) return false;
            const share = (now.busyMs - from.busyMs) / (now.atMs - from.atMs);
            const { node, container } = await measured(device);
            t.diagnostic(`metrics-server says ${node.cpu}, the device ${share.toFixed(6)} cores`);
            const near = (cpu: string) => Math.abs(coresOf(cpu) - share) <= Math.max(0.25 * share, 0.002);
            return near(node.cpu) && near(container.cpu);
          },
          {
            deadlineMs: 8 * resolutionS * 1_000,
            what: "processor time within a quarter of the device's own",
          },
        );
      });
    });
  }
});

test("a device that is away has no figures any more", async () => {
  await running.get("posix")?.kill();
  await waitFor(
    async () => {
      const { code, stderr } = await cluster.kubectl(["top", "node", "posix"]);
      return code !== 0 && /not found|NotFound|not available/.test(stderr);
    },
    { deadlineMs: 6 * resolutionS * 1_000, what: "posix to have no figures", intervalMs: 1_000 },
  );
});
