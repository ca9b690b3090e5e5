/**
 * The main job, running: a control plane, the gateway and emulated devices, until Ctrl-C. What `make demo` does.
 *
 *   node hil-tests/demo.ts [--board qemu] [--cluster current] [--address IP] [--clean yes] [--devices N]
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { cleanCurrentCluster, currentCluster } from "./demo/current-cluster.ts";
import type { DemoCluster } from "./demo/demo-cluster.ts";
import { ownCluster } from "./demo/own-cluster.ts";
import { startPosixBoard } from "./rig/boards/posix-board.ts";
import { startQemuBoard } from "./rig/boards/qemu-board.ts";
import { type FleetMember, startReferenceFleet } from "./rig/boards/reference-board.ts";
import { GatewayProcess } from "./rig/gateway-process.ts";
import { apply, deviceManifest, identityOf, kubectlOk } from "./rig/installation.ts";
import { waitFor } from "./rig/wait.ts";
import { makeTemporaryFolder } from "./rig/watchdog.ts";

const { values } = parseArgs({
  options: {
    board: { type: "string" },
    cluster: { type: "string" },
    address: { type: "string" },
    clean: { type: "string" },
    devices: { type: "string", default: "3" },
  },
});

/** Devices over MQTT, of different boards. */
const wireless = [
  { name: "lamp", board: "esp32-c3" },
  { name: "kettle", board: "pico-w" },
  { name: "door", board: "nrf9160-dk" },
];

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Says what is under way and how long it took. */
async function step<T>(what: string, work: Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work;
  say(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${what}`);
  return result;
}

async function nodesReady(cluster: DemoCluster, names: readonly string[]): Promise<boolean> {
  const readiness =
    '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const lines = (await kubectlOk(cluster, "get", "nodes", "-o", `jsonpath=${readiness}`)).split("\n");
  return names.every((name) => lines.includes(`${name}=True`));
}

/**
 * Whether the API server can reach the gateway; without that, logs and exec cannot work. Asked by way of a log, since
 * the API server refuses nodes/proxy to a loopback address.
 */
async function dialsBack(cluster: DemoCluster, device: string, address: string): Promise<void> {
  await waitFor(
    async () => (await kubectlOk(cluster, "logs", device, "-n", cluster.namespace, "--tail=1")) !== undefined,
    {
      deadlineMs: 15_000,
      intervalMs: 500,
      what: `the API server to reach the gateway at ${address} (ADDRESS=… names another address of this machine)`,
      signal: stop.signal,
    },
  );
}

async function run(): Promise<void> {
  if (values.board !== undefined && values.board !== "qemu")
    throw new Error(`BOARD=${values.board}: expected qemu`);
  if (values.cluster !== undefined && values.cluster !== "current") {
    throw new Error(`CLUSTER=${values.cluster}: expected current`);
  }
  if (values.clean !== undefined) {
    if (values.cluster !== "current")
      throw new Error("CLEAN=yes goes with CLUSTER=current: nothing else is left behind");
    await cleanCurrentCluster();
    return;
  }
  const count = Number(values.devices);
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new Error(`DEVICES=${values.devices}: expected 1 to 1000`);

  await using stack = new AsyncDisposableStack();
  const address = values.address === undefined ? {} : { address: values.address };
  const cluster = stack.use(
    values.cluster === "current"
      ? await currentCluster(address)
      : await step("control plane: etcd, API server, controllers, scheduler", ownCluster(stop.signal)),
  );
  const gateway = stack.use(
    new GatewayProcess({ kubeconfig: cluster.gatewayKubeconfig, settings: cluster.gatewaySettings }),
  );
  await step("gateway, with a ServiceAccount's token", gateway.start());

  const folder = stack.use(makeTemporaryFolder("motelet-demo-"));
  const serial = [
    { name: "press", path: `${folder.path}/press.sock` },
    ...(values.board === "qemu" ? [{ name: "arm", path: `${folder.path}/arm.sock` }] : []),
  ];
  const members = Array.from({ length: count }, (_, index) => {
    const kind = wireless[index % wireless.length] as (typeof wireless)[number];
    return { board: kind.board, name: index < wireless.length ? kind.name : `${kind.name}-${index}` };
  });
  // Whatever happens next, Devices go before the gateway, which takes their Nodes with them.
  stack.defer(async () => {
    if (values.cluster === "current")
      await kubectlOk(cluster, "delete", "devices", "--all", "-n", cluster.namespace, "--timeout=60s");
  });
  const names = [...members.map(({ name }) => name), ...serial.map(({ name }) => name)];
  const manifests = [
    ...members.map(({ name }) => deviceManifest(name, { namespace: cluster.namespace })),
    ...serial.map(({ name, path }) =>
      deviceManifest(name, { namespace: cluster.namespace, port: `unix:${path}` }),
    ),
  ];
  await step(`${names.length} Devices applied`, apply(cluster, manifests.join("")));

  const identities = await step(
    "their identities",
    Promise.all(
      members.map(async (member): Promise<FleetMember> => {
        const what = `the Secret ${member.name}-identity`;
        const identity = await waitFor(() => identityOf(cluster, member.name, cluster.namespace), {
          deadlineMs: 20_000,
          what,
          signal: stop.signal,
        });
        return { ...member, ...identity };
      }),
    ),
  );
  stack.use(
    await startReferenceFleet({
      mqttPort: gateway.ports.mqtt,
      members: identities,
      folder: folder.path,
      chatterS: 15,
    }),
  );
  stack.use(
    await startPosixBoard({
      kind: "unix",
      path: (serial[0] as { path: string }).path,
      folder: folder.path,
      tickS: 30,
    }),
  );
  if (serial[1]) stack.use(await startQemuBoard({ unixPath: serial[1].path }));
  await step(
    `${names.length} Nodes Ready`,
    waitFor(() => nodesReady(cluster, names), {
      deadlineMs: 60_000,
      what: `the Nodes ${names.join(", ")} to be Ready`,
      signal: stop.signal,
    }),
  );
  await dialsBack(cluster, names[0] as string, cluster.gatewaySettings["node.address"] ?? "");
  say("");
  process.stdout.write(await kubectlOk(cluster, "get", "nodes"));
  say(`
In another terminal:

  ${cluster.shellLines.join("\n  ")}

  kubectl get devices
  kubectl logs press
  kubectl exec lamp -- help
  kubectl exec press -- echo hi
  echo over and back | kubectl exec -i ${serial.at(-1)?.name} -- cat

Ctrl-C ends all of it.`);
  const ended = await Promise.race([
    once(stop.signal, "abort"),
    cluster.failed,
    gateway.process.exited.then(() => gateway.process.endedError()),
  ]);
  if (ended instanceof Error) throw ended;
  say("\nending …");
}

try {
  await run();
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
