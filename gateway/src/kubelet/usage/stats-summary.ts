import type { DeviceFacts } from "../../devices/device.ts";
import type { Usage } from "../../devices/usage/usage.ts";
import { abortOnClose } from "../abort-on-close.ts";
import type { PlainHandler } from "../handlers.ts";
import { json } from "../http-reply.ts";
import { clusterPod } from "../pod-lookup.ts";
import { containerUsages, cpuSeconds, minMemoryBytes } from "./container-usage.ts";

/**
 * `/stats/summary` (stats/v1alpha1 Summary): read by older tools and through the API server's nodes/proxy. If neither
 * the path nor the listener names a Node, the reply names none and has no Pods.
 */
export const answerStatsSummary: PlainHandler = async (call, serving, response) => {
  if (call.nodeName === undefined) return json(buildSummary(undefined, undefined));
  const facts = serving.nodes.expect(call.nodeName);
  using open = abortOnClose(response);
  const usage = await serving.usage.read(facts.key, open.signal);
  return json(buildSummary(facts, usage, clusterPod(serving, facts)?.metadata.uid));
};

/**
 * @param usage absent: the device is offline, and its Node and Pod are listed without values
 * @param podUid absent: the cluster does not have its Pod (yet)
 */
export function buildSummary(facts: DeviceFacts | undefined, usage: Usage | undefined, podUid = ""): object {
  const startTime = time(usage?.bootedAtMs ?? facts?.bootedAtMs ?? 0);
  if (!facts) return { node: { nodeName: "", startTime }, pods: [] };
  const { namespace, name, nodeName } = facts.spec;
  const podRef = { name, namespace, uid: podUid };
  if (!usage) return { node: { nodeName, startTime }, pods: [{ podRef, startTime, containers: [] }] };
  const at = time(usage.atMs);
  const cpu = cpuStats(at, cpuSeconds(usage.cpuMs), usage.cpuCores);
  const swap = { time: at, swapAvailableBytes: 0, swapUsageBytes: 0 };
  const containers = containerUsages(facts, usage);
  return {
    node: {
      nodeName,
      startTime,
      cpu,
      memory: memoryStats(at, Math.max(usage.memoryBytes ?? 0, minMemoryBytes), usage.memoryFreeBytes),
      ...fileSystem(at, usage),
      swap,
    },
    pods: [
      {
        podRef,
        startTime,
        containers: containers.map((container, index) => ({
          name: container.name,
          startTime,
          cpu: cpuStats(at, container.cpuSeconds, index === 0 ? usage.cpuCores : 0),
          memory: memoryStats(at, container.memoryBytes),
          swap,
        })),
        cpu,
        memory: memoryStats(
          at,
          containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
        ),
        swap,
      },
    ],
  };
}

function cpuStats(at: string, seconds: number, cores: number | undefined): object {
  return {
    time: at,
    ...(cores === undefined ? {} : { usageNanoCores: Math.round(cores * 1e9) }),
    usageCoreNanoSeconds: Math.round(seconds * 1e9),
  };
}

function memoryStats(at: string, bytes: number, freeBytes?: number): object {
  return {
    time: at,
    ...(freeBytes === undefined ? {} : { availableBytes: freeBytes }),
    usageBytes: bytes,
    workingSetBytes: bytes,
    rssBytes: bytes,
  };
}

/** The device's file store, if it has one. */
function fileSystem(at: string, { filesTotalBytes, filesFreeBytes }: Usage): object {
  if (filesTotalBytes === undefined || filesFreeBytes === undefined) return {};
  return {
    fs: {
      time: at,
      availableBytes: filesFreeBytes,
      capacityBytes: filesTotalBytes,
      usedBytes: Math.max(0, filesTotalBytes - filesFreeBytes),
    },
  };
}

/** A metav1.Time: seconds, in UTC. */
function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
