import { type DeviceOptions, ReferenceDevice } from "@motelet/reference";
import type { DeviceSpec } from "../../src/devices/device.ts";
import { DevicePlane } from "../../src/devices/device-plane.ts";
import { Registry } from "../../src/devices/registry.ts";
import { systemClock as clock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import { CoapTransport } from "../../src/transport/coap/coap-transport.ts";
import { insecureProtection } from "../../src/transport/coap/insecure-protection.ts";
import { OscoreProtection } from "../../src/transport/coap/oscore-protection.ts";
import type { SequenceBlocks } from "../../src/transport/directory.ts";
import { collect } from "../fakes/lamp-bed.ts";
import { OscoreDeviceLink } from "../oscore/oscore-device-link.ts";
import { CoapDeviceLink } from "./device-link.ts";

export const key = "default/lamp";
export const spec: DeviceSpec = {
  namespace: "default",
  name: "lamp",
  uid: "u1",
  nodeName: "lamp",
  paused: false,
  links: [{ carrier: "coap" }],
  identity: {
    wireId: "lamp01",
    generation: 1,
    password: "secret-lamp01",
    key: new Uint8Array(16).fill(7),
    secretUid: "secret-1",
  },
};

export interface BedOptions {
  readonly host?: string;
  readonly rtoMs?: number;
  /** Takes OSCORE only; otherwise plain CoAP only. */
  readonly oscore?: boolean;
}

/** A device plane with CoAP as its only transport, and one Device. */
export async function startBed(stack: AsyncDisposableStack, options: BedOptions = {}) {
  const { host = "127.0.0.1", rtoMs = 200, oscore = false } = options;
  const metrics = new Metrics();
  const log = createLogger({ level: "silent" });
  const store = stack.use(openStore({ path: ":memory:", metrics }));
  const registry = new Registry(() => clock.wallMs());
  const plane = stack.use(new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10 }));
  plane.start();
  const { acceptor, authenticator, keys } = plane;
  let next = 0;
  const sequences: SequenceBlocks = {
    reserve: async () => ({ reserved: true, block: { from: next, end: (next += 65_536) } }),
  };
  /** @param port of a transport that was there before */
  const startTransport = async (port = 0) => {
    // A second transport counts for itself: names of metrics are unique.
    const own = port === 0 ? metrics : new Metrics();
    const shared = { acceptor, authenticator, log, clock, host, insecure: !oscore, rtoMs, metrics: own };
    const { keyValues } = store;
    const plain = insecureProtection(!oscore);
    const protection = oscore
      ? new OscoreProtection({ ...shared, keys, sequences, keyValues, plain })
      : plain;
    const transport = stack.use(new CoapTransport({ ...shared, port, protection }));
    return { transport, ...(await transport.start()) };
  };
  const { transport, port } = await startTransport();
  registry.admit(spec);
  const isOnline = () => registry.get(key)?.phase === "Online";
  /** What the command prints on stdout. */
  const run = async (...argv: string[]): Promise<string> => {
    const request = { argv, tty: false, stdin: false, stdout: true, stderr: false };
    await using session = await plane.verbs.exec.start(key, request, { signal: AbortSignal.timeout(60_000) });
    const output = (await collect(session.stdout)).toString();
    const { status, message } = await session.exit;
    if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}: ${message}`);
    return output;
  };
  return { registry, plane, metrics, port, transport, startTransport, isOnline, run };
}

/** A reference device whose gateway is at this port. */
export async function startDevice(
  stack: AsyncDisposableStack,
  port: number,
  options: {
    host?: string;
    password?: string;
    rtoMs?: number;
    oscore?: boolean;
  } & Partial<DeviceOptions> = {},
) {
  const { host = "127.0.0.1", password = "secret-lamp01", rtoMs = 200, oscore = false, ...board } = options;
  const { identity } = spec;
  const link =
    oscore && identity?.key
      ? new OscoreDeviceLink({ host, port, identity, key: identity.key, rtoMs })
      : new CoapDeviceLink({ host, port, user: "lamp01.1", password, rtoMs });
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1, ...board });
  await device.start();
  stack.defer(() => device.stop());
  return { link, device };
}
