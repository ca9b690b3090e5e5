import type { DeviceFacts } from "../../devices/device.ts";
import type { Usage } from "../../devices/usage/usage.ts";
import { buildVirtualPod, deviceContainer } from "../../resources/virtual-pod.ts";

/** The resource use of one container of a device's Pod. */
export interface ContainerUsage {
  readonly name: string;
  /** Since the container's start: never 0. */
  readonly cpuSeconds: number;
  /** Never 0. */
  readonly memoryBytes: number;
}

/**
 * metrics-server drops a Node if a figure is 0, and a Pod if a figure of one container is 0. So unknown values, and the
 * use of a peripheral, are reported as a microsecond of one processor and one byte: `kubectl top` shows 0 for both.
 */
export const minCpuSeconds = 1e-6;
export const minMemoryBytes = 1;

export function cpuSeconds(cpuMs: number): number {
  return Math.max(cpuMs / 1000, minCpuSeconds);
}

/** The device's container has the whole use of the device, the others (its peripherals) have next to nothing. */
export function containerUsages(facts: DeviceFacts, usage: Usage): readonly ContainerUsage[] {
  return buildVirtualPod(facts).spec.containers.map(({ name }) =>
    name === deviceContainer
      ? {
          name,
          cpuSeconds: cpuSeconds(usage.bootCpuMs),
          memoryBytes: Math.max(usage.memoryBytes ?? 0, minMemoryBytes),
        }
      : { name, cpuSeconds: minCpuSeconds, memoryBytes: minMemoryBytes },
  );
}
