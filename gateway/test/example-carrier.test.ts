import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type DeviceLink, type LinkEvents, ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import type { DeviceSpec } from "../src/devices/device.ts";
import { DevicePlane } from "../src/devices/device-plane.ts";
import { Registry } from "../src/devices/registry.ts";
import { systemClock as clock } from "../src/foundation/clock.ts";
import { createLogger } from "../src/foundation/log.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import type { ValuesOf } from "../src/foundation/setting.ts";
import { LateSequenceBlocks } from "../src/late-sequence-blocks.ts";
import { openStore } from "../src/store/store.ts";
import { udpCarrier } from "./example-carrier/udp-carrier.ts";
import { udp, udpLink } from "./example-carrier/udp-link.ts";
import { collect } from "./fakes/lamp-bed.ts";

/* The example of docs/guides/add-a-carrier.md: it is built, runs, and is what the page shows. */

/** The device's end of the example: a socket that replies to whoever sent the last datagram. */
class UdpDeviceLink implements DeviceLink {
  readonly carrier = udp;
  readonly rtoMs = 500;
  readonly #socket: Socket = createSocket("udp4");
  #gateway: { address: string; port: number } | undefined;

  async listen(): Promise<string> {
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async start(events: LinkEvents): Promise<void> {
    this.#socket.on("message", (bytes, from) => {
      this.#gateway = from;
      events.message(new Uint8Array(bytes));
    });
    events.opened();
  }

  send(message: Uint8Array): boolean {
    if (!this.#gateway) return false;
    this.#socket.send(message, this.#gateway.port, this.#gateway.address);
    return true;
  }

  reset(): void {}

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

const config = {
  "udp.enabled": true,
  "udp.host": "127.0.0.1",
  "udp.port": 0,
  "udp.rtoMs": 200,
} satisfies ValuesOf<typeof udpCarrier.settings>;
const key = "default/lamp";

/** A device plane with the example as its only transport. */
async function startBed(stack: AsyncDisposableStack) {
  const metrics = new Metrics();
  const log = createLogger({ level: "silent" });
  const store = stack.use(openStore({ path: ":memory:", metrics }));
  const registry = new Registry(() => clock.wallMs());
  const plane = stack.use(new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10 }));
  plane.start();
  const { acceptor, authenticator, wantedLinks, keys } = plane;
  const { keyValues } = store;
  const sequences = new LateSequenceBlocks();
  const context = { acceptor, authenticator, wantedLinks, keys, sequences, keyValues, log, metrics, clock };
  const transport = stack.use((await udpCarrier.open(config, context))!);
  assert.equal(transport.unhealthyReason?.(), "the UDP socket is not bound");
  const { port = 0 } = await transport.start();
  assert.equal(transport.unhealthyReason?.(), undefined);
  const specOf = (address: string): DeviceSpec => {
    const named = udpLink.portOf?.({ carrier: udp, address }) ?? "";
    const links = [{ carrier: udp, port: named }];
    return { namespace: "default", name: "lamp", uid: "u1", nodeName: "lamp", paused: false, links };
  };
  return { registry, plane, metrics, port, specOf };
}

test("a device over the example's datagrams comes online, runs a command, and is left when no Device names it", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, plane, metrics, port, specOf } = await startBed(stack);
  const link = new UdpDeviceLink();
  const address = await link.listen();
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1 });
  await device.start();
  stack.defer(() => device.stop());
  registry.admit(specOf(address));
  await until("the device is online", () => registry.get(key)?.phase === "Online");
  assert.deepEqual([registry.get(key)?.link?.carrier, registry.get(key)?.link?.peer], ["udp", address]);

  const request = { argv: ["echo", "hi"], tty: false, stdin: false, stdout: true, stderr: false };
  const session = await plane.verbs.exec.start(key, request, { signal: AbortSignal.timeout(5_000) });
  stack.use(session);
  assert.equal((await collect(session.stdout)).toString(), "hi\n");

  const stranger = createSocket("udp4");
  stranger.send("x", port, "127.0.0.1");
  const dropped = () => metrics.valueOf("motelet_udp_dropped_total", { reason: "unknown-address" });
  await until("the stranger's datagram is counted", async () => (await dropped()) === 1);
  stranger.close();

  registry.admit({ ...specOf(address), links: [] });
  await until("the channel is closed", () => registry.get(key)?.phase === "Offline");
});

test("the example is not opened unless the configuration enables it", async () => {
  assert.equal(await udpCarrier.open({ ...config, "udp.enabled": false }, undefined as never), undefined);
});

test("the guide shows the files of the example, to the letter", () => {
  const file = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
  const page = file("../../docs/guides/add-a-carrier.md");
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block);
  for (const name of ["udp-link", "udp-carrier", "udp-channel", "udp-transport"])
    assert.ok(blocks.includes(file(`example-carrier/${name}.ts`)), `${name}.ts is on the page`);
});
