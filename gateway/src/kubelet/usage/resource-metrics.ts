import type { DeviceFacts } from "../../devices/device.ts";
import type { Usage } from "../../devices/usage/usage.ts";
import { abortOnClose } from "../abort-on-close.ts";
import type { PlainHandler } from "../handlers.ts";
import type { HttpReply } from "../http-reply.ts";
import { containerUsages, cpuSeconds, minMemoryBytes } from "./container-usage.ts";
import { expositionType, type Family, formatExposition, type Sample } from "./exposition.ts";

/**
 * `/metrics/resource`: metrics-server reads it for `kubectl top` and the autoscalers. If neither the path nor the
 * listener names a Node, the reply has no figures: clients would take any figures for those of each Node.
 */
export const answerResourceMetrics: PlainHandler = async (call, { nodes, usage }, response) => {
  if (call.nodeName === undefined) return exposition(formatResourceMetrics(undefined, undefined));
  const facts = nodes.expect(call.nodeName);
  using open = abortOnClose(response);
  return exposition(formatResourceMetrics(facts, await usage.read(facts.key, open.signal)));
};

function exposition(text: string): HttpReply {
  return { code: 200, text, contentType: expositionType };
}

/**
 * The families of a kubelet, in its order. For a device that is offline the reply reports a scrape error and no
 * figures: old figures would be taken for its present use.
 */
export function formatResourceMetrics(facts: DeviceFacts | undefined, usage: Usage | undefined): string {
  const failed = facts !== undefined && usage === undefined;
  const scrape = { samples: [{ value: failed ? 1 : 0 }], help: "1 where the device's figures are missing" };
  return formatExposition([
    ...(facts && usage ? usageFamilies(facts, usage) : []),
    { name: "resource_scrape_error", type: "gauge", ...scrape },
    { name: "scrape_error", type: "gauge", ...scrape },
  ]);
}

function usageFamilies(facts: DeviceFacts, usage: Usage): readonly Family[] {
  const { atMs, bootedAtMs } = usage;
  const { namespace, name: pod } = facts.spec;
  const podLabels = { namespace, pod };
  const containers = containerUsages(facts, usage);
  const inEach = (value: (container: (typeof containers)[number]) => number): Sample[] =>
    containers.map((container) => ({
      labels: { container: container.name, ...podLabels },
      value: value(container),
      atMs,
    }));
  const memory = Math.max(usage.memoryBytes ?? 0, minMemoryBytes);
  const podMemory = containers.reduce((sum, container) => sum + container.memoryBytes, 0);
  const started =
    bootedAtMs === undefined
      ? []
      : inEach(() => bootedAtMs / 1000).map(({ labels, value }) => ({ labels: labels ?? {}, value }));
  return [
    {
      name: "container_cpu_usage_seconds_total",
      type: "counter",
      help: "Busy seconds of the processor since the device's boot",
      samples: inEach(({ cpuSeconds }) => cpuSeconds),
    },
    {
      name: "container_memory_working_set_bytes",
      type: "gauge",
      help: "RAM that is not free heap",
      samples: inEach(({ memoryBytes }) => memoryBytes),
    },
    {
      name: "container_start_time_seconds",
      type: "gauge",
      help: "When the device booted, Unix time",
      samples: started,
    },
    {
      name: "container_swap_usage_bytes",
      type: "gauge",
      help: "Swap in use; a device has none",
      samples: inEach(() => 0),
    },
    {
      name: "node_cpu_usage_seconds_total",
      type: "counter",
      help: "Busy seconds of the processor over all boots",
      samples: [{ value: cpuSeconds(usage.cpuMs), atMs }],
    },
    {
      name: "node_memory_working_set_bytes",
      type: "gauge",
      help: "RAM that is not free heap",
      samples: [{ value: memory, atMs }],
    },
    {
      name: "node_swap_usage_bytes",
      type: "gauge",
      help: "Swap in use; a device has none",
      samples: [{ value: 0, atMs }],
    },
    {
      name: "pod_cpu_usage_seconds_total",
      type: "counter",
      help: "Busy seconds of the processor over all boots",
      samples: [{ labels: podLabels, value: cpuSeconds(usage.cpuMs), atMs }],
    },
    {
      name: "pod_memory_working_set_bytes",
      type: "gauge",
      help: "RAM that is not free heap",
      samples: [{ labels: podLabels, value: podMemory, atMs }],
    },
    {
      name: "pod_swap_usage_bytes",
      type: "gauge",
      help: "Swap in use; a device has none",
      samples: [{ labels: podLabels, value: 0, atMs }],
    },
  ];
}
