import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type DeviceFacts, deviceKey } from "../../gateway/src/devices/device.ts";
import { kubernetesVersion } from "../control-plane/assets.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { type BareMirror, startBareMirror } from "../rig/cluster/bare-mirror.ts";
import { waitFor } from "../rig/wait.ts";

/*
 * The mirror against a real control plane, with the ServiceAccount and the rights that manifests/base give. The
 * registry is driven by hand: what carriers, sessions and liveness do is other suites' business.
 */

const manifests = join(import.meta.dirname, "../../manifests");
const lamp = deviceKey("default", "lamp");

const firstHello: Partial<DeviceFacts> = {
  phase: "Online",
  link: { carrier: "mqtt", peer: "127.0.0.1:50000", sinceMs: Date.now() },
  lastSeenMs: Date.now(),
  boot: 3,
  hardware: {
    board: "esp32-devkit",
    hardwareId: "a0b1c2d3e4f5",
    arch: "xtensa",
    os: "freertos",
    ramBytes: 327680,
    flashBytes: 4000000,
  },
  firmware: { text: "blinky 1.4.0", buildId: "0badcafe" },
  capabilities: ["exec", "log"],
};

async function startGateway(kubeconfig: string): Promise<BareMirror> {
  const mirror = await startBareMirror(kubeconfig);
  await mirror.started;
  return mirror;
}

/** Output of kubectl; a failure is the test's. */
async function kubectl(plane: ControlPlane, ...args: string[]): Promise<string> {
  const result = await plane.kubectl(args);
  assert.equal(result.code, 0, `kubectl ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.toString();
}

async function apply(plane: ControlPlane, yaml: string): Promise<string> {
  const result = await plane.kubectl(["apply", "--filename=-"], { input: yaml });
  return result.code === 0 ? "" : result.stderr.toString();
}

const minimalDevice = (name: string) =>
  `apiVersion: motelet.dev/v1alpha1\nkind: Device\nmetadata: {name: ${name}}\n`;

/** What a person may write by mistake, and what the API server then says. */
const wrongSpecs = [
  ["{links: [{carrier: serial}]}", "a serial link names its port"],
  ["{links: [{carrier: mqtt, port: /dev/ttyACM0}]}", "a serial link names its port"],
  ["{links: [{carrier: serial, port: COM3}]}", "a port is /dev/<name>, pty:/<path>"],
  ["{links: [{carrier: serial, port: 'usb:303a:1001:A0B1'}]}", "a port is /dev/<name>, pty:/<path>"],
  ["{links: [{carrier: wifi}]}", 'supported values: "mqtt", "coap", "serial"'],
  ["{links: []}", "at least 1 item"],
  ["{sleep: {checkInSeconds: 0}}", "greater than or equal to 1"],
  ["{link: []}", 'unknown field "spec.link"'],
  ["{profile: Relay_Board}", "a name has small letters"],
  ["{identity: {secretName: a..b}}", "a name has small letters"],
  ["{node: {name: Lamp}}", "a name has small letters"],
  ["{node: {labels: {node-role.kubernetes.io/control-plane: ''}}}", "not a namespace user's"],
  ["{node: {labels: {motelet.dev/device: other}}}", "not a namespace user's"],
  ["{node: {annotations: {motelet.dev/device-uid: other}}}", "not a namespace user's"],
  ["{node: {taints: [{key: node.kubernetes.io/x, effect: NoSchedule}]}}", "not a namespace user's"],
  ["{node: {labels: {the room: attic}}}", "the key of a label is name or domain/name"],
  [`{node: {labels: {${"k".repeat(64)}: attic}}}`, "the key of a label is name or domain/name"],
  ["{node: {labels: {room: the attic}}}", "the value of a label has at most 63 letters"],
  [`{node: {labels: {room: ${"v".repeat(64)}}}}`, "may not be more than 63 bytes"],
  ["{node: {annotations: {-note: x}}}", "the key of an annotation is name or domain/name"],
  ["{node: {taints: [{key: wet floor, effect: NoSchedule}]}}", "the key of a taint is name or domain/name"],
  ["{node: {taints: [{key: wet, effect: NoSchedule, value: a/b}]}}", "the value of a taint has at most 63"],
  [
    "{node: {taints: [{key: wet, effect: NoSchedule}, {key: wet, effect: NoSchedule, value: x}]}}",
    "Duplicate value",
  ],
] as const;

interface Seen {
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string }[];
    containerStatuses?: { restartCount: number; image: string }[];
    nodeInfo?: Record<string, string>;
  };
  spec?: {
    taints?: { key: string }[];
    podCIDR?: string;
    containers?: { image: string }[];
    renewTime?: string;
  };
  metadata: {
    uid: string;
    labels?: Record<string, string>;
    resourceVersion: string;
    ownerReferences?: { uid: string }[];
  };
}

async function read(plane: ControlPlane, path: string): Promise<Seen | undefined> {
  const answer = await plane.request("GET", path);
  return answer.status === 200 ? (answer.body as Seen) : undefined;
}

const paths = {
  node: "/api/v1/nodes/lamp",
  pod: "/api/v1/namespaces/default/pods/lamp",
  device: "/apis/motelet.dev/v1alpha1/namespaces/default/devices/lamp",
  lease: "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/lamp",
  secret: "/api/v1/namespaces/default/secrets/lamp-identity",
};

function ready(seen: Seen | undefined): string | undefined {
  return seen?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

test("a device's life is what kubectl shows, with the rights of the shipped ServiceAccount", {
  timeout: 300_000,
}, async (t) => {
  await using plane = await startControlPlane({ nodeMonitorPeriodS: 1 });
  await kubectl(plane, "apply", "--kustomize", join(manifests, "base"));
  await kubectl(plane, "wait", "--for=condition=Established", "crd/devices.motelet.dev", "--timeout=30s");
  const token = await plane.serviceAccountToken("motelet-system", "motelet-gateway");
  const kubeconfig = await plane.kubeconfigForToken(token);
  const within = (what: string, condition: () => Promise<boolean>) =>
    waitFor(condition, { what, deadlineMs: 20_000 });

  await t.test("the API server holds the rules of the Device's schema", async () => {
    const device = (name: string, spec: string) => `${minimalDevice(name)}spec: ${spec}\n`;
    assert.equal(
      await apply(
        plane,
        device(
          "ok",
          "{node: {name: fixed, labels: {room: attic}}, links: [{carrier: serial, port: 'unix:/run/x'}, {carrier: mqtt}]}",
        ),
      ),
      "",
    );
    const longest = (letter: string) => letter.repeat(63);
    assert.equal(
      await apply(
        plane,
        device(
          "ok-too",
          `{profile: a.b, links: [{carrier: serial, port: 'tcp:[::1]:5000'}], node: {labels: {${longest("k")}: ${longest("v")}, example.com/a_b.C: ''}, annotations: {example.com/Note: any text!}, taints: [{key: wet, effect: NoSchedule}, {key: wet, effect: NoExecute, value: '1.5'}]}}`,
        ),
      ),
      "",
    );
    for (const [spec, message] of wrongSpecs) {
      const answer = await apply(plane, device("a", spec));
      assert.ok(answer.includes(message), `${spec}: ${answer}`);
    }
    assert.match(await apply(plane, device("ok", "{node: {name: other}}")), /cannot be changed/);
    assert.match(await apply(plane, minimalDevice("ok")), /cannot be changed/);
    assert.equal(await apply(plane, minimalDevice("x".repeat(63))), "");
    assert.match(await apply(plane, minimalDevice("x".repeat(64))), /at most 63/);
    await kubectl(plane, "delete", "devices", "--all");
  });

  await using stack = new AsyncDisposableStack();
  let gateway = stack.use(await startGateway(kubeconfig));

  await t.test("a Device before its first hello is Pending, has an identity and no Node", async () => {
    assert.equal(await apply(plane, minimalDevice("lamp")), "");
    await within(
      "the Device to be admitted",
      async () => gateway.registry.get(lamp)?.spec.identity !== undefined,
    );
    await within("phase Pending", async () => (await read(plane, paths.device))?.status?.phase === "Pending");
    assert.match(gateway.registry.get(lamp)?.spec.identity?.wireId ?? "", /^[a-z0-9]{12}$/);
    assert.ok(await read(plane, paths.secret));
    assert.equal(await read(plane, paths.node), undefined);
  });

  await t.test(
    "at its first hello Node, Lease and Pod are there, the Node Ready from its first moment",
    async () => {
      const startedMs = performance.now();
      gateway.registry.learn(lamp, firstHello);
      await within("the Node", async () => (await read(plane, paths.node)) !== undefined);
      assert.equal(ready(await read(plane, paths.node)), "True");
      t.diagnostic(`hello to Node Ready: ${Math.round(performance.now() - startedMs)} ms`);
      await within("the Lease", async () => (await read(plane, paths.lease)) !== undefined);
      await within("the Pod to be Ready", async () => ready(await read(plane, paths.pod)) === "True");
      t.diagnostic(`hello to Pod Ready: ${Math.round(performance.now() - startedMs)} ms`);
      const node = await read(plane, paths.node);
      assert.equal((await read(plane, paths.lease))?.metadata.ownerReferences?.[0]?.uid, node?.metadata.uid);
      assert.equal(node?.status?.nodeInfo?.kubeletVersion, `v${kubernetesVersion()}.0-motelet.0.1.0`);
      assert.equal(node?.metadata.labels?.["kubernetes.io/hostname"], undefined);
      assert.equal(node?.metadata.labels?.["topology.kubernetes.io/zone"], undefined);
      assert.equal(node?.spec?.podCIDR, undefined);
      await within("the not-ready taint to go", async () => {
        const taints = (await read(plane, paths.node))?.spec?.taints?.map(({ key }) => key);
        return taints?.join() === "motelet.dev/mote";
      });
      t.diagnostic(`hello to untainted: ${Math.round(performance.now() - startedMs)} ms`);
    },
  );

  await t.test("kubectl's tables show it", async () => {
    const nodes = await kubectl(plane, "get", "nodes");
    assert.match(
      nodes,
      new RegExp(`lamp\\s+Ready\\s+mote\\s+\\S+\\s+v${kubernetesVersion()}.0-motelet.0.1.0`),
    );
    const devices = await kubectl(plane, "get", "devices", "--output=wide");
    assert.match(
      devices,
      /NAME\s+READY\s+PHASE\s+PROFILE\s+LINK\s+FIRMWARE\s+LAST-SEEN\s+AGE\s+NODE\s+BOARD\s+RSSI\s+HEAP/,
    );
    assert.match(devices, /lamp\s+True\s+Online\s+mqtt\s+1\.4\.0\s+\S+\s+\S+\s+lamp\s+esp32-devkit/);
    const pods = await kubectl(plane, "get", "pods", "--output=wide");
    assert.match(pods, /lamp\s+1\/1\s+Running\s+0/);
    for (const table of [nodes, devices, pods]) t.diagnostic(`\n${table}`);
    await within("the Enrolled Event", async () =>
      /Enrolled/.test(await kubectl(plane, "describe", "device", "lamp")),
    );
  });

  await t.test("beats cause no write", async () => {
    const beat = (count: number) =>
      gateway.registry.learn(lamp, {
        lastSeenMs: Date.now(),
        sample: { atMs: Date.now(), heapFreeBytes: 100_000 + count, rssiDbm: -90 - (count % 3) },
      });
    const node = () => read(plane, paths.node);
    beat(0);
    await within("the signal's condition", async () =>
      JSON.stringify((await node())?.status?.conditions).includes("motelet.dev/WeakLink"),
    );
    const writes = () => gateway.metrics.valueOf("motelet_kube_requests_total", { verb: "PUT" });
    const before = await writes();
    for (let count = 0; count < 50; count++) {
      beat(count);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A change that is written marks the end of what the beats could have caused.
    gateway.registry.learn(lamp, { firmware: { text: "blinky 1.4.1" } });
    await within(
      "the new image",
      async () =>
        (await read(plane, paths.pod))?.status?.containerStatuses?.[0]?.image ===
        "motelet.dev/firmware/blinky:1.4.1",
    );
    await within("the new osImage", async () => (await node())?.status?.nodeInfo?.osImage === "blinky 1.4.1");
    const caused = (await writes()) - before;
    t.diagnostic(`PUTs of 50 beats and one new firmware: ${caused}`);
    // Node status, Pod, Pod status, Device status, and a Lease renewal that may fall in between.
    assert.ok(caused <= 5, `${caused} PUTs`);
  });

  await t.test("an offline device's Node is NotReady, its Lease is renewed all the same", async () => {
    gateway.registry.learn(lamp, { phase: "Offline" });
    await within("the Node NotReady", async () => ready(await read(plane, paths.node)) === "False");
    await within("the Pod not Ready", async () => ready(await read(plane, paths.pod)) === "False");
    assert.match(await kubectl(plane, "get", "nodes"), /lamp\s+NotReady/);
    assert.equal((await read(plane, paths.pod))?.status?.phase, "Running");
    gateway.registry.learn(lamp, { phase: "Online", boot: 4 });
    await within("the Node Ready", async () => ready(await read(plane, paths.node)) === "True");
    await within("the Pod Ready", async () => ready(await read(plane, paths.pod)) === "True");
    assert.equal((await read(plane, paths.pod))?.status?.containerStatuses?.[0]?.restartCount, 1);
  });

  await t.test("cordon, foreign taints and labels survive, ours come back", async () => {
    await kubectl(plane, "cordon", "lamp");
    await kubectl(plane, "taint", "node", "lamp", "example.com/keep=yes:NoSchedule");
    await kubectl(plane, "label", "node", "lamp", "example.com/room=attic");
    await kubectl(plane, "taint", "node", "lamp", "motelet.dev/mote-");
    await within("our taint", async () =>
      (await kubectl(plane, "get", "node", "lamp", "--output=jsonpath={.spec.taints}")).includes(
        "motelet.dev/mote",
      ),
    );
    const node = await kubectl(plane, "get", "node", "lamp", "--output=json");
    for (const kept of ["example.com/keep", "example.com/room", '"unschedulable": true'])
      assert.ok(node.includes(kept), kept);
    await kubectl(plane, "uncordon", "lamp");
  });

  await t.test("a profile gives the Node its resources, a paused device is not Ready", async () => {
    const profile = (capacity: string) =>
      `apiVersion: motelet.dev/v1alpha1\nkind: DeviceProfile\nmetadata: {name: relay-board}\nspec: {description: two relays, capacity: ${capacity}}\n`;
    assert.match(await apply(plane, profile("{'example.com/relay': 2}")), /without a prefix/);
    assert.equal(await apply(plane, profile("{relay: 2000}")), "");
    assert.match(
      await kubectl(plane, "get", "devprof"),
      /NAME\s+DESCRIPTION\s+AGE\s+relay-board\s+two relays/,
    );
    const edit = (spec: string) =>
      kubectl(plane, "patch", "device", "lamp", "--type=merge", `--patch={"spec":${spec}}`);
    await edit('{"profile":"relay-board","paused":true}');
    const node = async () => JSON.stringify(await read(plane, paths.node));
    await within("the resource", async () => (await node()).includes('"motelet.dev/relay":"2k"'));
    await within("the pause", async () => (await node()).includes("DevicePaused"));
    await within("the Pod not Ready", async () => ready(await read(plane, paths.pod)) === "False");
    const writes = () => gateway.metrics.valueOf("motelet_kube_requests_total", { verb: "PUT" });
    const before = await writes();
    await edit('{"profile":null,"paused":null}');
    await within("Ready again", async () => ready(await read(plane, paths.node)) === "True");
    await within("the resource to go", async () => !(await node()).includes("motelet.dev/relay"));
    await within("the Pod Ready", async () => ready(await read(plane, paths.pod)) === "True");
    assert.ok((await writes()) - before <= 8, `${(await writes()) - before} PUTs`);
  });

  await t.test(
    "a profile's peripherals are containers of the Pod, by names that containers can have",
    async () => {
      const profile = (peripherals: string) =>
        `apiVersion: motelet.dev/v1alpha1\nkind: DeviceProfile\nmetadata: {name: relays}\nspec: {peripherals: ${peripherals}}\n`;
      const named = (...names: string[]) => `[${names.map((name) => `{name: ${name}}`).join(", ")}]`;
      const many = (count: number) => Array.from({ length: count }, (_, index) => `relay${index}`);
      assert.match(await apply(plane, profile(named("device"))), /is the device itself/);
      assert.match(await apply(plane, profile(named("Relay"))), /a peripheral.s name has small letters/);
      assert.match(
        await apply(plane, profile(named("a".repeat(33)))),
        /may not be more than 32 bytes|Too long/,
      );
      assert.match(await apply(plane, profile(named("a", "a"))), /Duplicate value/);
      assert.match(await apply(plane, profile(named(...many(17)))), /Too many/);
      assert.equal(await apply(plane, profile(named(...many(15), "a".repeat(32)))), "");
      const edit = (spec: string) =>
        kubectl(plane, "patch", "device", "lamp", "--type=merge", `--patch={"spec":${spec}}`);
      const containers = async () =>
        (
          await kubectl(
            plane,
            "get",
            "pod",
            "lamp",
            "--ignore-not-found",
            "--output=jsonpath={.status.containerStatuses[*].name}",
          )
        ).trim();
      await edit('{"profile":"relays"}');
      await within("17 containers", async () => (await containers()).split(" ").length === 17);
      assert.equal(await apply(plane, profile(named("relay0"))), "");
      await within("two containers", async () => (await containers()) === "device relay0");
      await edit('{"profile":null}');
      await within("one container", async () => (await containers()) === "device");
    },
  );

  await t.test("a deleted Pod and a deleted Node are made anew", async () => {
    const podBefore = (await read(plane, paths.pod))?.metadata.uid;
    await kubectl(plane, "delete", "pod", "lamp", "--wait=true", "--timeout=15s");
    await within("another Pod", async () => {
      const pod = await read(plane, paths.pod);
      return pod !== undefined && pod.metadata.uid !== podBefore && ready(pod) === "True";
    });
    const before = (await read(plane, paths.node))?.metadata.uid;
    await kubectl(plane, "delete", "node", "lamp");
    await within("another Node", async () => {
      const node = await read(plane, paths.node);
      return node !== undefined && node.metadata.uid !== before && ready(node) === "True";
    });
    const uid = (await read(plane, paths.node))?.metadata.uid;
    await within(
      "a Lease of the new Node",
      async () => (await read(plane, paths.lease))?.metadata.ownerReferences?.[0]?.uid === uid,
    );
  });

  await t.test("a killed API server changes nothing but the time", async () => {
    await plane.restartApiServer();
    gateway.registry.learn(lamp, { phase: "Offline" });
    await within("the Node NotReady", async () => ready(await read(plane, paths.node)) === "False");
    gateway.registry.learn(lamp, { phase: "Online" });
    await within("the Node Ready", async () => ready(await read(plane, paths.node)) === "True");
    await within(
      "the Device's status",
      async () => (await read(plane, paths.device))?.status?.phase === "Online",
    );
  });

  await t.test("a restarted gateway finds the device Online and its Node does not flap", async () => {
    const before = await read(plane, paths.node);
    const lease = (await read(plane, paths.lease))?.spec?.renewTime ?? "";
    await gateway[Symbol.asyncDispose]();
    const farewell = (await read(plane, paths.lease))?.spec?.renewTime ?? "";
    assert.ok(farewell > lease, `the last renewal: ${farewell} after ${lease}`);
    gateway = stack.use(await startGateway(kubeconfig));
    await within("the device to be admitted", async () => gateway.registry.get(lamp) !== undefined);
    assert.equal(gateway.registry.get(lamp)?.phase, "Online");
    assert.equal(gateway.registry.get(lamp)?.firmware?.text, "blinky 1.4.1");
    await within(
      "the Lease to be renewed at once",
      async () => ((await read(plane, paths.lease))?.spec?.renewTime ?? "") > farewell,
    );
    gateway.registry.learn(lamp, { ...firstHello, boot: 4, firmware: { text: "blinky 1.4.1" } });
    const after = await read(plane, paths.node);
    assert.deepEqual(after?.status?.conditions, before?.status?.conditions);
    const writes = await gateway.metrics.valueOf("motelet_kube_requests_total", { verb: "PUT" });
    t.diagnostic(`PUTs of the restarted gateway: ${writes}`);
  });

  await t.test("a deleted Device takes Pod, Lease and Node with it", async () => {
    const startedMs = performance.now();
    await kubectl(plane, "delete", "device", "lamp", "--timeout=20s");
    t.diagnostic(`kubectl delete device: ${Math.round(performance.now() - startedMs)} ms`);
    for (const path of [paths.node, paths.pod, paths.lease, paths.device])
      await within(`${path} to go`, async () => (await read(plane, path)) === undefined);
    assert.equal(gateway.registry.get(lamp), undefined);
    await plane.settled();
    await within("the identity to be collected", async () => (await read(plane, paths.secret)) === undefined);
  });

  await t.test("a Node of another owner is not touched, and the name is taken when it goes", async () => {
    const foreign = await plane.request("POST", "/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "lamp", labels: { whose: "else" } },
    });
    assert.equal(foreign.status, 201);
    assert.equal(await apply(plane, minimalDevice("lamp")), "");
    await within("the Device", async () => gateway.registry.get(lamp) !== undefined);
    gateway.registry.learn(lamp, firstHello);
    const reason = async () =>
      (await read(plane, paths.device))?.status?.conditions?.find(({ type }) => type === "Node")?.reason;
    await within("the condition", async () => (await reason()) === "NodeNameConflict");
    await within("the Event", async () => /NodeNameConflict/.test(await kubectl(plane, "get", "events")));
    assert.equal(await read(plane, paths.pod), undefined);
    assert.equal(await read(plane, paths.lease), undefined);
    const labels = (await read(plane, paths.node))?.metadata.labels;
    assert.equal(labels?.["motelet.dev/device"], undefined);
    await kubectl(plane, "delete", "node", "lamp");
    await within("our own Node", async () => ready(await read(plane, paths.node)) === "True");
    await within("the condition to clear", async () => (await reason()) === "NodeExists");
    await within("the Pod", async () => ready(await read(plane, paths.pod)) === "True");
    await kubectl(plane, "delete", "device", "lamp", "--timeout=20s");
  });
});
