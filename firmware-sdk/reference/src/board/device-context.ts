import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import type { ReferenceDevice } from "./device.ts";

/** The device for which code runs: it follows timers, sockets and promises to what they call. */
const running = new AsyncLocalStorage<ReferenceDevice>();

/** Runs a function on a device's account, with all asynchronous work that it starts. */
export function onBehalfOf<T>(device: ReferenceDevice, run: () => T): T {
  return running.run(device, run);
}

/**
 * After this call an error in one device of a fleet ends that device, but not the process with the other devices. An
 * error outside any device ends the process as before.
 * @param told called once for each device that ends this way
 */
export function containDeviceErrors(told: (device: ReferenceDevice, error: unknown) => void): Disposable {
  const contain = (error: unknown): void => {
    const device = running.getStore();
    if (!device) throw error;
    // An error of what is closing: its device has ended already.
    if (device.state === "stopped") return;
    void device.fail(error);
    told(device, error);
  };
  process.on("uncaughtException", contain);
  return { [Symbol.dispose]: () => void process.off("uncaughtException", contain) };
}
