import type { DeviceFacts } from "../../devices/device.ts";
import type { Usage } from "../../devices/usage/usage.ts";
import { buildVirtualPod, deviceContainer } from "../../resources/virtual-pod.ts";

/** What one container of a device's Pod uses. */
export interface ContainerUsage {
  readonly name: string;
  /** Since the container's start: never 0. */
  readonly cpuSeconds: number;
  /** Never 0. */
  readonly memoryBytes: number;
}

/**
 * metrics-server drops a Node of which a figure is 0, and a Pod of which one container's is. What is not known, and what
 * a peripheral uses, is therefore told as a microsecond of one processor and one byte: `kubectl top` shows 0 of each.
 */
export const minCpuSeconds = 1e-6;
export const minMemoryBytes = 1;

export function cpuSeconds(cpuMs: number): number {
  return Math.max(cpuMs / 1000, minCpuSeconds);
}

/** The device's container has all that the device uses, the others (its peripherals) next to nothing. */
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
