import { type DeviceOptions, ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { DevicePlane } from "../../src/devices/device-plane.ts";
import { Registry } from "../../src/devices/registry.ts";
import type { CommandSession } from "../../src/devices/verbs/command-session.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { type Fate, InProcessLink } from "./in-process-link.ts";

export const key = "default/lamp";
export const spec = {
  namespace: "default",
  name: "lamp",
  uid: "uid-lamp",
  nodeName: "lamp",
  links: [{ carrier: "serial", port: "pty:lamp" } as const],
  paused: false,
};

function startPlane(store: Store, heartbeatS: number) {
  const registry = new Registry(() => Date.now());
  const metrics = new Metrics();
  const log = createLogger({ level: "silent" });
  const plane = new DevicePlane({ registry, store, log, metrics, clock: systemClock, heartbeatS });
  plane.start();
  return { registry, metrics, plane };
}

/** A gateway's middle with one reference device on a line. */
export async function startLamp(
  options: { fate?: Fate; heartbeatS?: number; rtoMs?: number } & Partial<DeviceOptions> = {},
) {
  const { heartbeatS = 10, rtoMs = 100, fate, ...board } = options;
  const store = openStore({ path: ":memory:", metrics: new Metrics() });
  let current = startPlane(store, heartbeatS);
  const link = new InProcessLink({
    acceptor: () => current.plane.acceptor,
    identity: { kind: "port", port: "pty:lamp" },
    rtoMs,
    ...(fate ? { fate } : {}),
  });
  current.registry.admit(spec);
  const device = new ReferenceDevice({
    link,
    name: "lamp",
    seed: 1,
    hardwareId: Uint8Array.of(1, 2, 3),
    ...board,
  });
  await device.start();
  const lamp = {
    store,
    link,
    device,
    get plane() {
      return current.plane;
    },
    get registry() {
      return current.registry;
    },
    get metrics() {
      return current.metrics;
    },
    facts: () => current.registry.get(key),
    online: () => until("device online", () => current.registry.get(key)?.phase === "Online"),
    /** The process dies and comes back with what its store has. */
    restart: () => {
      link.cut();
      current = startPlane(store, heartbeatS);
      current.registry.admit(spec, { phase: "Online", hardware: {}, capabilities: [] });
      link.plug();
    },
    run: async (argv: string[], input?: Uint8Array) => {
      const session = await current.plane.verbs.exec.start(
        key,
        { argv, tty: false, stdin: input !== undefined, stdout: true, stderr: true },
        { signal: AbortSignal.timeout(60_000) },
      );
      await using _running = session;
      const fed = input === undefined ? undefined : feed(session, input);
      const [stdout, stderr, exit] = await Promise.all([
        collect(session.stdout),
        collect(session.stderr),
        session.exit,
      ]);
      await fed;
      return { stdout, stderr, exit };
    },
    log: async (previous = false) => {
      const query = { previous, follow: false, signal: AbortSignal.timeout(30_000) };
      let text = "";
      for await (const batch of current.plane.logs.read(key, query) ?? [])
        for (const entry of batch) text += entry.text;
      return text;
    },
    async [Symbol.asyncDispose]() {
      await device.stop();
      await current.plane[Symbol.asyncDispose]();
      store[Symbol.dispose]();
    },
  };
  await lamp.online();
  return lamp;
}

/** All bytes of a reader. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

async function feed(session: CommandSession, input: Uint8Array): Promise<void> {
  for (let at = 0; at < input.length; at += 32_768) await session.write(input.subarray(at, at + 32_768));
  await session.endInput();
}

/** Bytes of which each says where it stands. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

/** One in `bytes` bytes is hit on its way, and the frame with it. */
export function bitErrors(bytes: number): Fate {
  let state = 4_711;
  return (message) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24 > (1 - 1 / bytes) ** (message.length + 6) ? "lose" : "pass";
  };
}

/** Loses and repeats by a fixed sequence of pseudo-random numbers. */
export function weather(share: number): Fate {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const chance = (state >>> 8) / 2 ** 24;
    return chance < share ? "lose" : chance < share * 1.5 ? "twice" : "pass";
  };
}
