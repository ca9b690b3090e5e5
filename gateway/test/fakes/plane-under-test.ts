import { Capability, type CborValue } from "@motelet/profiles";
import type { DeviceSpec } from "../../src/devices/device.ts";
import { DevicePlane } from "../../src/devices/device-plane.ts";
import { Registry } from "../../src/devices/registry.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { ManualClock } from "./manual-clock.ts";
import type { WireDevice } from "./wire-device.ts";

export const key = "default/lamp";
export const spec: DeviceSpec = {
  namespace: "default",
  name: "lamp",
  uid: "u1",
  nodeName: "lamp",
  links: [{ carrier: "serial", port: "pty:lamp" }],
  paused: false,
};

/** Lets everything run that waits for nothing but its turn. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A device plane over a store that may outlive it. */
export function startPlane(store: Store, clock: ManualClock, maxSessions = 10) {
  const registry = new Registry(() => clock.wallMs());
  const metrics = new Metrics();
  const log = createLogger({ level: "silent" });
  const plane = new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10, maxSessions });
  plane.start();
  registry.admit(spec);
  return { registry, metrics, plane };
}

/** A device plane with one device, time that a test moves, and a store that commits when told. */
export function startPlaneBed(options: { maxSessions?: number } = {}) {
  const clock = new ManualClock();
  const store = openStore({ path: ":memory:", metrics: new Metrics(), clock, commitSpacingMs: 0 });
  const commit = async () => {
    // A write may lead to another one.
    for (let round = 0; round < 3; round++) {
      await settle();
      store.database.flush();
    }
    await settle();
  };
  const bed = startPlane(store, clock, options.maxSessions);
  const join = async (device: WireDevice, hello: Parameters<WireDevice["hello"]>[0] = {}) => {
    device.hello({ caps: Capability.exec, ...hello });
    await commit();
    device.say({ kind: "beat" });
    await commit();
  };
  /** Answers the newest request once it has been sent. @returns its arguments */
  const answer = async (device: WireDevice, status: number, result: readonly CborValue[] = []) => {
    await commit();
    const { id, args } = device.last("request")!;
    device.say({ kind: "response", id, status, result });
    await settle();
    return args;
  };
  return { ...bed, clock, store, commit, join, answer };
}
