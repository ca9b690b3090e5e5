import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "@motelet/testing";
import { pythonPath } from "../../../profiles/test/python-path.ts";
import type { Gateway } from "../../src/gateway.ts";
import { kidOf } from "../../src/transport/coap/oscore/device-context.ts";
import { GatewayBed, type TestIdentity } from "../coap/gateway-bed.ts";
import { aiocoapPackages } from "./aiocoap-packages.ts";

/* aiocoap 0.4.17 as the device: its message layer, its Observe, its OSCORE and its Echo. The profile's CBOR is by cbor2. */

interface DeviceEvent {
  readonly event: "hello" | "response" | "message" | "failed";
  readonly code?: string;
  readonly kind?: number;
  readonly welcome?: readonly unknown[];
  readonly error?: string;
}

/** The context as docs/coap.md says it, in files that outlive the device's process. */
async function contextFolder(stack: AsyncDisposableStack, identity: TestIdentity, password: string) {
  const folder = await mkdtemp(join(tmpdir(), "motelet-aiocoap-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const settings = {
    "sender-id_hex": Buffer.from(kidOf(identity)).toString("hex"),
    "recipient-id_ascii": "",
    secret_ascii: password,
    salt_ascii: `${identity.wireId}.${identity.generation}`,
    window: 32,
  };
  await writeFile(join(folder, "settings.json"), JSON.stringify(settings));
  return folder;
}

/** By default aiocoap leaves OSCORE out if the packages for group OSCORE and EDHOC are not there. */
const transports = { AIOCOAP_CLIENT_TRANSPORT: "oscore:udp6" };

/** Starts aiocoap as a device; what it tells is in `events`. */
function startDevice(stack: AsyncDisposableStack, gateway: Gateway, folder: string) {
  const script = fileURLToPath(new URL("aiocoap_device.py", import.meta.url));
  const uri = `coap://127.0.0.1:${gateway.ports.carriers.coap}/m`;
  const child = spawn("python3", [script, uri, folder], {
    env: { ...process.env, PYTHONPATH: pythonPath(aiocoapPackages), ...transports },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill();
    await exited;
  };
  stack.defer(stop);
  const events: DeviceEvent[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as DeviceEvent));
  return { events, stop };
}

async function startBed() {
  const stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.start());
  bed.addDevice("lamp");
  const gateway = await bed.startGateway({ "session.heartbeatS": "1" });
  const identity = await bed.identityOf("lamp");
  return { bed, gateway, identity, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const deadline = { timeout: 120_000 };

test(
  "aiocoap becomes a Ready Node and answers exec, and does so again after its own restart and one of the gateway",
  deadline,
  async () => {
    await using all = await startBed();
    const { bed, identity, stack } = all;
    const folder = await contextFolder(stack, identity, identity.password);
    const { events, stop } = startDevice(stack, all.gateway, folder);
    await until("the welcome", () => events.some(({ event }) => event === "hello"), 30_000);
    const hello = events.find(({ event }) => event === "hello");
    assert.deepEqual([hello?.code, hello?.welcome?.[0], hello?.welcome?.[5]], ["2.05 Content", 1, 1]);
    await until("the Node to be Ready", () => bed.isReady("lamp"));
    const beats = () => events.filter(({ event, code }) => event === "response" && code === "2.04 Changed");
    await until("two beats are answered", () => beats().length >= 2);
    assert.equal(await bed.exec(all.gateway, "lamp", "said", "by", "aiocoap"), "said by aiocoap\n");
    await stop();

    // The same sequence file: no Partial IV comes twice, and no challenge is needed.
    const again = startDevice(stack, all.gateway, folder);
    await until("a welcome", () => again.events.some(({ welcome }) => welcome?.[0] === 1), 30_000);
    await again.stop();

    const port = String(all.gateway.ports.carriers.coap);
    await all.gateway[Symbol.asyncDispose]();
    const gateway = await bed.startGateway({ "coap.port": port, "session.heartbeatS": "1" });
    const third = startDevice(stack, gateway, folder);
    await until(
      "a welcome after an Echo",
      () => third.events.some(({ welcome }) => welcome?.[0] === 1),
      30_000,
    );
    assert.ok((await bed.metric(gateway, "motelet_oscore_challenges_total")) >= 1);
    await until("the Node to be Ready", () => bed.isReady("lamp"));
    assert.equal(await bed.exec(gateway, "lamp", "and", "again"), "and again\n");
  },
);

test("aiocoap with a wrong key is refused, which a counter and an Event say", deadline, async () => {
  await using all = await startBed();
  const { bed, gateway, identity, stack } = all;
  const folder = await contextFolder(stack, identity, "not the password of the lamp");
  const { events } = startDevice(stack, gateway, folder);
  await until("it is refused", () => events.some(({ event }) => event === "failed"), 30_000);
  assert.ok(!events.some(({ event }) => event === "hello"));
  assert.ok((await bed.metric(gateway, 'motelet_coap_refused_total{reason="wrong-key"')) >= 1);
  await until("the Event", () => bed.events("lamp").some((message) => message.includes("wrong-key")));
  assert.equal(bed.isReady("lamp"), false);
});
