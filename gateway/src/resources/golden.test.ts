import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import type { DeviceFacts } from "../devices/device.ts";
import type { WantedCondition } from "./conditions.ts";
import { type Device, deviceSpecOf, deviceStatus, restoredFacts } from "./device.ts";
import { type DeviceProfile, profileCondition, profilePeripherals } from "./device-profile.ts";
import { foreignPodEvent, foreignPodStatus } from "./foreign-pod.ts";
import { buildIdentitySecret, newIdentity } from "./identity-secret.ts";
import { buildLease, type Lease, renewLease } from "./lease.ts";
import { buildNode, desiredNode, desiredStatus, type Node } from "./node.ts";
import type { NodeView } from "./node-conditions.ts";
import { buildVirtualPod, type Pod, virtualPodStatus } from "./virtual-pod.ts";

/*
 * Each `<case>.input.yaml` names what to build and from what; `<case>.output.yaml` is what must come out.
 * MOTELET_UPDATE_GOLDEN=1 writes the outputs; read the difference before it is committed.
 */

interface Input {
  readonly build: keyof typeof builders;
  readonly now?: string;
  readonly device?: Device;
  readonly facts?: Partial<DeviceFacts>;
  readonly conditions?: readonly WantedCondition[];
  readonly profile?: DeviceProfile;
  readonly node?: Node;
  readonly lease?: Lease;
  readonly pod?: Pod;
  readonly view?: NodeView;
}

const endpoint = { address: "192.0.2.10", port: 10_250, servedVersion: "v1.37.1", moteletVersion: "0.1.0" };
const homeNamespace = "default";

const builders = {
  node: (input: Input) => buildNode(deviceOf(input), factsOf(input), endpoint, nowMs(input), input.view),
  "node-update": (input: Input) => {
    const node = given(input.node, "node");
    const metadata = desiredNode(node, deviceOf(input), factsOf(input));
    return { ...metadata, status: desiredStatus(node, factsOf(input), endpoint, nowMs(input), input.view) };
  },
  lease: (input: Input) => buildLease(given(input.node, "node"), nowMs(input), input.lease),
  "lease-renewal": (input: Input) =>
    renewLease(given(input.lease, "lease"), given(input.node, "node"), nowMs(input)) ?? "recreate",
  pod: (input: Input) => {
    const pod = input.pod ?? buildVirtualPod(factsOf(input));
    return { ...pod, status: virtualPodStatus(pod, factsOf(input), endpoint, nowMs(input)) };
  },
  "foreign-pod": (input: Input) => {
    const pod = given(input.pod, "pod");
    return { status: foreignPodStatus(pod, nowMs(input)), event: foreignPodEvent(pod) };
  },
  "device-status": (input: Input) =>
    deviceStatus(deviceOf(input), factsOf(input), conditionsOf(input), nowMs(input), "gateway-0"),
  "device-spec": (input: Input) => specOf(input),
  restored: (input: Input) => restoredFacts(deviceOf(input)) ?? "nothing",
  identity: (input: Input) =>
    buildIdentitySecret(
      deviceOf(input),
      newIdentity((count) => Uint8Array.from({ length: count }, (_, index) => index * 11)),
    ),
};

function given<T>(value: T | undefined, name: string): T {
  assert.ok(value !== undefined, `the case needs ${name}`);
  return value;
}

function conditionsOf(input: Input): readonly WantedCondition[] {
  const ofProfile = profileCondition(deviceOf(input), input.profile);
  return [...(input.conditions ?? []), ...(ofProfile ? [ofProfile] : [])];
}

function specOf(input: Input) {
  const peripherals = profilePeripherals(input.profile);
  return deviceSpecOf(deviceOf(input), homeNamespace, { peripherals });
}

function deviceOf(input: Input): Device {
  return given(input.device, "device");
}

function factsOf(input: Input): DeviceFacts {
  const device = deviceOf(input);
  return {
    key: `${device.metadata.namespace}/${device.metadata.name}`,
    spec: specOf(input),
    phase: "Online",
    phaseSinceMs: 0,
    hardware: {},
    capabilities: [],
    ...input.facts,
  };
}

function nowMs(input: Input): number {
  return Date.parse(input.now ?? "2026-11-21T08:00:00Z");
}

const folder = join(import.meta.dirname, "testdata");
const cases = readdirSync(folder)
  .filter((name) => name.endsWith(".input.yaml"))
  .map((name) => name.slice(0, -".input.yaml".length));

for (const name of cases) {
  test(`golden: ${name.replaceAll("-", " ")}`, () => {
    const input = parse(readFileSync(join(folder, `${name}.input.yaml`), "utf8")) as Input;
    // Through JSON, as it would go over the wire.
    const output: unknown = JSON.parse(JSON.stringify(builders[input.build](input)));
    const path = join(folder, `${name}.output.yaml`);
    if (process.env.MOTELET_UPDATE_GOLDEN)
      writeFileSync(path, stringify(output, { aliasDuplicateObjects: false }));
    assert.deepEqual(output, parse(readFileSync(path, "utf8")));
  });
}

test("whatever somebody writes into the annotation that says what came from spec.node, the Node goes on", () => {
  const input = parse(readFileSync(join(folder, "node-first-hello.input.yaml"), "utf8")) as Input;
  const node = buildNode(deviceOf(input), factsOf(input), endpoint, nowMs(input));
  const texts = ["{", "null", "5", "[]", '{"labels":5}', '{"labels":[5,null],"taints":{}}', '"labels"'];
  for (const text of texts) {
    const annotations = { ...node.metadata.annotations, "motelet.dev/from-spec": text };
    const edited = { ...node, metadata: { ...node.metadata, annotations } };
    assert.deepEqual(desiredNode(edited, deviceOf(input), factsOf(input)), node, text);
  }
});

test("what was built needs no second write", () => {
  const input = parse(readFileSync(join(folder, "node-first-hello.input.yaml"), "utf8")) as Input;
  const node = buildNode(deviceOf(input), factsOf(input), endpoint, nowMs(input));
  const laterMs = nowMs(input) + 86_400_000;
  assert.deepEqual(desiredStatus(node, factsOf(input), endpoint, laterMs), node.status);
  assert.deepEqual(desiredNode(node, deviceOf(input), factsOf(input)), node);
});
