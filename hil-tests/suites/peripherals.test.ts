import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  gatewayAccount,
  gatewayNamespace,
  identityOf,
  install,
  kubectlOk,
} from "../rig/installation.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/*
 * Containers that stand for a device's peripherals, as people meet them: the reference device has relay0, led0 and adc0;
 * its profile names two of them and one that the firmware does not have.
 */
const device = "lamp";
const profile = (...peripherals: string[]) =>
  `apiVersion: motelet.dev/v1alpha1\nkind: DeviceProfile\nmetadata: {name: relays}\nspec: {peripherals: [${peripherals.map((name) => `{name: ${name}}`).join(", ")}]}\n---\n`;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let folder: TemporaryFolder;

before(async () => {
  folder = makeTemporaryFolder("motelet-peripherals-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "store.path": `${folder.path}/gateway.db` },
  });
  await gateway.start();
  await apply(
    cluster,
    `${profile("relay0", "adc0", "fan0")}apiVersion: motelet.dev/v1alpha1\nkind: Device\nmetadata: {name: ${device}}\nspec: {profile: relays}\n`,
  );
  const identity = await waitFor(() => identityOf(cluster, device), {
    deadlineMs: 20_000,
    what: `the Secret ${device}-identity`,
  });
  const members = [{ name: device, board: "esp32-c3", ...identity }];
  fleet = await startReferenceFleet({ mqttPort: gateway.ports.mqtt, members, folder: folder.path });
  await kubectlOk(cluster, "wait", "--for=create", `pod/${device}`, "--timeout=30s");
  await kubectlOk(cluster, "wait", "--for=condition=Ready", `pod/${device}`, "--timeout=30s");
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

for (const [protocol, webSockets] of [
  ["WebSocket", "true"],
  ["SPDY", "false"],
] as const) {
  describe(`peripherals over ${protocol}`, { concurrency: false }, () => {
    const run = (...args: string[]) =>
      cluster.kubectl(args, { env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets } });
    const invoke = async (container: string, ...argv: string[]) => {
      const { code, stdout, stderr } = await run("exec", device, "-c", container, "--", ...argv);
      return { code, stdout: stdout.toString(), stderr };
    };

    test("a relay is switched, and says how it stands", async () => {
      for (const state of ["on", "off"]) {
        assert.equal((await invoke("relay0", "set", state)).code, 0);
        assert.deepEqual(await invoke("relay0", "get"), { code: 0, stdout: `${state}\n`, stderr: "" });
      }
      assert.match((await invoke("adc0", "get")).stdout, /^\d+\n$/);
    });

    test("a command that fails has its exit code and its words", async () => {
      const failed = await invoke("relay0", "set", "maybe");
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /expected on or off/);
    });

    test("what the profile names and the firmware does not have is told apart from what the profile does not name", async () => {
      const missing = await invoke("fan0", "get");
      assert.notEqual(missing.code, 0);
      assert.match(missing.stderr, /NOT_FOUND/);
      const unnamed = await invoke("led0", "get");
      assert.notEqual(unnamed.code, 0);
      assert.match(unnamed.stderr, /container led0 is not valid for pod lamp/);
    });

    test("attach to a peripheral says where the console is", async () => {
      const { code, stderr } = await run("attach", device, "-c", "relay0");
      assert.notEqual(code, 0);
      assert.match(stderr, /relay0 is a peripheral of the device: it supports only exec/);
    });
  });
}

test("kubectl means the device where no container is named, without a word about it", async () => {
  for (const args of [
    ["exec", device, "--", "echo", "x"],
    ["logs", device, "--tail=1"],
  ]) {
    const { code, stdout, stderr } = await cluster.kubectl(args);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.notEqual(stdout.toString(), "");
  }
});

test("the log of all containers is the device's", async () => {
  const text = await kubectlOk(cluster, "logs", device, "--all-containers", "--prefix");
  assert.match(text, /\/lamp\/device\] boot \d+/);
  assert.doesNotMatch(text, /relay0/);
  assert.equal(await kubectlOk(cluster, "logs", device, "-c", "relay0"), "");
});

test("what the firmware lacks waits, and the Device says what that is; the device itself is ready", async () => {
  const waiting = `--output=jsonpath={.status.containerStatuses[?(@.name=="fan0")].state.waiting.reason}`;
  await waitFor(
    async () => (await kubectlOk(cluster, "get", "pod", device, waiting)) === "PeripheralMissing",
    {
      deadlineMs: 20_000,
      what: "the container fan0 to wait",
    },
  );
  assert.match(await kubectlOk(cluster, "get", "pod", device, "--no-headers"), /3\/4\s+PeripheralMissing/);
  await kubectlOk(cluster, "wait", "--for=condition=Peripherals=False", `device/${device}`, "--timeout=20s");
  const message = `--output=jsonpath={.status.conditions[?(@.type=="Peripherals")].message}`;
  assert.equal(
    await kubectlOk(cluster, "get", "device", device, message),
    "the firmware lacks fan0 of the DeviceProfile relays",
  );
  assert.match(await kubectlOk(cluster, "get", "device", device), /True\s+Online/);
});

test("RESTARTS counts each reboot once, whatever the number of containers, and a new Pod goes on counting", async () => {
  const field = (path: string) => kubectlOk(cluster, "get", "device", device, `--output=jsonpath={${path}}`);
  for (let reboot = 1; reboot <= 3; reboot++) {
    const boot = await field(".status.boot");
    await kubectlOk(cluster, "exec", device, "--", "reboot");
    await waitFor(async () => (await field(".status.boot")) !== boot, {
      deadlineMs: 30_000,
      what: `reboot ${reboot} to show in the Device's status`,
    });
  }
  const restarts = async () => {
    const row = await kubectlOk(cluster, "get", "pod", device, "--no-headers");
    return row.split(/\s+/)[3];
  };
  await waitFor(async () => (await restarts()) === "3", {
    deadlineMs: 20_000,
    what: "3 restarts in kubectl",
  });
  assert.equal(await field(".status.restarts"), "3");
  await kubectlOk(cluster, "delete", "pod", device);
  await kubectlOk(cluster, "wait", "--for=condition=Ready", `pod/${device}`, "--timeout=30s");
  assert.equal(await restarts(), "3");
});

test("a peripheral that comes to the profile comes to the Pod", async () => {
  await apply(cluster, profile("relay0", "led0"));
  await waitFor(
    async () => {
      const args = ["exec", device, "-c", "led0", "--", "set", "on"];
      return (await cluster.kubectl(args)).code === 0;
    },
    { deadlineMs: 30_000, what: "the new container to take a command" },
  );
  const names = ["get", "pod", device, "--output=jsonpath={.status.containerStatuses[*].name}"];
  assert.equal(await kubectlOk(cluster, ...names), "device relay0 led0");
  await kubectlOk(cluster, "wait", "--for=condition=Peripherals", `device/${device}`, "--timeout=20s");
  await kubectlOk(cluster, "wait", "--for=condition=ContainersReady", `pod/${device}`, "--timeout=20s");
});
