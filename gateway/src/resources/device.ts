import {
  type DeviceFacts,
  type DeviceIdentity,
  type DeviceSpec,
  type LinkSpec,
  missingPeripherals,
  type Phase,
  type SleepSpec,
} from "../devices/device.ts";
import type { RestoredFacts } from "../devices/registry.ts";
import type { EventSubject } from "../kubeapi/event-recorder.ts";
import type { KubeObject } from "../kubeapi/objects.ts";
import { carrierNamed } from "../transport/carriers.ts";
import { mergeConditions, timestamp, type WantedCondition } from "./conditions.ts";
import type { Condition, DeviceResourceSpec, DeviceResourceStatus } from "./device-schema.ts";
import { duplicateCondition, duplicateIdentity } from "./duplicate-condition.ts";
import { firmwareOf } from "./firmware.ts";
import { apiVersion, reportedLabels } from "./labels.ts";
import { asleepMessage, pausedMessage } from "./node-conditions.ts";
import { refusedConditions, refusedType } from "./refusal-condition.ts";

/** The API object that a user writes. */
export interface Device extends KubeObject {
  readonly spec?: DeviceResourceSpec;
  readonly status?: DeviceResourceStatus;
}

export const devicesPath = `/apis/${apiVersion}`;

export function devicePath(namespace: string, name: string): string {
  return `${devicesPath}/namespaces/${namespace}/devices/${name}`;
}

/** While nothing else changes, `status.lastSeen` is written this often. */
const lastSeenEveryMs = 10 * 60_000;

/** Figures so old are not those of lastSeen. */
const reportedWithinMs = 60_000;

/** Conditions that are in the status only while they apply; the others are True if nothing is wrong. */
const passingConditions: readonly string[] = [
  duplicateIdentity,
  "Flapping",
  "Peripherals",
  "Profile",
  refusedType,
];

/** Name of the Secret with a device's identity. */
export function identitySecretName(device: Device): string {
  return device.spec?.identity?.secretName ?? `${device.metadata.name}-identity`;
}

/** A Device of the home namespace gives a Node of its own name, of another one `<namespace>.<name>`. */
function nodeNameOf(device: Device, homeNamespace: string): string {
  const { namespace = "", name } = device.metadata;
  return device.spec?.node?.name ?? (namespace === homeNamespace ? name : `${namespace}.${name}`);
}

/**
 * The desired state for the registry.
 * @param given objects that the Device only names: its identity, the peripherals of its profile
 */
export function deviceSpecOf(
  device: Device,
  homeNamespace: string,
  given: { readonly identity?: DeviceIdentity | undefined; readonly peripherals?: readonly string[] } = {},
): DeviceSpec {
  const { identity, peripherals = [] } = given;
  const links = device.spec?.links?.map(linkSpecOf);
  return {
    namespace: device.metadata.namespace ?? "",
    name: device.metadata.name,
    uid: device.metadata.uid ?? "",
    nodeName: nodeNameOf(device, homeNamespace),
    paused: device.spec?.paused ?? false,
    ...(device.spec?.sleep ? { sleep: sleepSpecOf(device.spec.sleep) } : {}),
    ...(links ? { links } : {}),
    ...(identity ? { identity } : {}),
    ...(peripherals.length > 0 ? { peripherals } : {}),
  };
}

function sleepSpecOf({ checkInSeconds, wait = false }: NonNullable<DeviceResourceSpec["sleep"]>): SleepSpec {
  return { wait, ...(checkInSeconds === undefined ? {} : { checkInS: checkInSeconds }) };
}

function linkSpecOf(link: NonNullable<DeviceResourceSpec["links"]>[number]): LinkSpec {
  const { carrier } = link;
  const port = carrierNamed(carrier)?.link.portOf?.(link);
  return { carrier, ...(port === undefined ? {} : { port }) };
}

/** The status that an earlier gateway wrote, for the registry of a restarted gateway. */
export function restoredFacts(device: Device): RestoredFacts | undefined {
  const status = device.status;
  const phase = status?.phase as Phase | undefined;
  if (!status || phase === undefined || phase === "Pending") return undefined;
  const { id, ...hardware } = status.hardware ?? {};
  const { firmware } = status;
  return {
    phase,
    hardware: { ...hardware, ...(id ? { hardwareId: id } : {}) },
    capabilities: status.capabilities ?? [],
    ...(status.peripherals ? { peripherals: status.peripherals } : {}),
    ...(status.identity ? { identityGeneration: status.identity.generation } : {}),
    ...(status.sleep ? { asleepUntilMs: Date.parse(status.sleep.until) } : {}),
    ...(status.lastSeen ? { lastSeenMs: Date.parse(status.lastSeen) } : {}),
    ...(status.boot === undefined ? {} : { boot: status.boot }),
    ...(status.restarts === undefined ? {} : { restarts: status.restarts }),
    ...(firmware
      ? {
          firmware: {
            text: [firmware.name, firmware.version].filter(Boolean).join(" "),
            ...(firmware.buildId ? { buildId: firmware.buildId } : {}),
            ...(firmware.slot === undefined ? {} : { slot: firmware.slot }),
            ...(firmware.state === "confirmed" || firmware.state === "probation"
              ? { state: firmware.state }
              : {}),
          },
        }
      : {}),
  };
}

/**
 * The desired status of the Device. Identical to the current one if nothing has to be written.
 * @param conditions conditions from the reconcilers: Identity, Node, Pod
 * @param gateway name of the gateway that holds the device's link
 */
export function deviceStatus(
  device: Device,
  facts: DeviceFacts,
  conditions: readonly WantedCondition[],
  nowMs: number,
  gateway?: string,
): DeviceResourceStatus {
  const current = device.status ?? {};
  const observedGeneration = device.metadata.generation ?? 0;
  const { board, hardwareId, arch, os, ramBytes, flashBytes, labels } = facts.hardware;
  const reported = Object.entries(reportedLabels(labels));
  const hardware = defined({
    board: cut(board, 128),
    id: cut(hardwareId, 128),
    arch: cut(arch, 64),
    os: cut(os, 64),
    ramBytes,
    flashBytes,
    labels:
      reported.length > 0
        ? Object.fromEntries(reported.map(([key, value]) => [afterSlash(key), value]))
        : undefined,
  });
  return defined({
    phase: facts.phase,
    observedGeneration,
    conditions: mergeConditions<Condition>(
      current.conditions ?? [],
      [
        readyCondition(facts),
        ...peripheralsCondition(device, facts),
        ...refusedConditions(facts, nowMs),
        ...duplicateCondition(facts),
        ...conditions,
      ],
      (condition) => ({ ...condition, observedGeneration }),
      { nowMs, stale: (type) => passingConditions.includes(type) },
    ),
    nodeName: facts.phase === "Pending" ? undefined : facts.spec.nodeName,
    link: linkStatus(current, facts, gateway),
    identity: facts.identityGeneration === undefined ? undefined : { generation: facts.identityGeneration },
    sleep:
      facts.phase === "Asleep" && facts.asleepUntilMs !== undefined
        ? { until: timestamp(facts.asleepUntilMs) }
        : undefined,
    firmware: facts.firmware && firmwareStatus(facts.firmware),
    hardware: Object.keys(hardware).length > 0 ? hardware : undefined,
    capabilities: facts.capabilities.length > 0 ? facts.capabilities.slice(0, 64) : undefined,
    peripherals: peripheralNames(facts),
    boot: facts.boot,
    restarts: facts.restarts,
    reported: reportedFigures(current, facts),
    lastSeen: lastSeen(current, facts),
  }) as DeviceResourceStatus;
}

function readyCondition(facts: DeviceFacts): WantedCondition {
  const { phase, spec } = facts;
  if (spec.paused) return { type: "Ready", status: "False", reason: "DevicePaused", message: pausedMessage };
  switch (phase) {
    case "Online":
      return { type: "Ready", status: "True", reason: "DeviceOnline", message: "the device answers" };
    case "Asleep":
      return {
        type: "Ready",
        status: "True",
        reason: "DeviceAsleep",
        message: asleepMessage(facts.asleepUntilMs),
      };
    case "Offline":
      return {
        type: "Ready",
        status: "False",
        reason: "DeviceOffline",
        message: "the device has stopped answering",
      };
    case "Retired":
      return { type: "Ready", status: "False", reason: "DeviceRetired", message: "the device was retired" };
    case "Pending":
      return {
        type: "Ready",
        status: "False",
        reason: "DevicePending",
        message: "the device has not said hello yet",
      };
    default:
      return phase satisfies never;
  }
}

/** Whether the firmware has what the profile names; not told where that is nothing, or not known. */
function peripheralsCondition(device: Device, facts: DeviceFacts): readonly WantedCondition[] {
  if (!facts.spec.peripherals || !facts.peripherals) return [];
  const type = "Peripherals";
  const profile = `DeviceProfile ${device.spec?.profile}`;
  const missing = missingPeripherals(facts);
  if (missing.length === 0) {
    const message = `the firmware has all peripherals of the ${profile}`;
    return [{ type, status: "True", reason: "PeripheralsFound", message }];
  }
  const message = `the firmware lacks ${missing.join(", ")} of the ${profile}`;
  return [{ type, status: "False", reason: "PeripheralsMissing", message }];
}

/** An empty list, too, is an answer: of a firmware that has none. */
function peripheralNames({ spec, peripherals }: DeviceFacts): readonly string[] | undefined {
  if (!spec.peripherals || !peripherals) return undefined;
  const named = spec.peripherals.filter((name) => peripherals.includes(name));
  // A list beyond its limit must not make a gateway that starts from it miss what is there.
  return [...named, ...peripherals.filter((name) => !named.includes(name))].slice(0, 64);
}

function linkStatus(
  current: DeviceResourceStatus,
  { link, phase }: DeviceFacts,
  gateway: string | undefined,
): DeviceResourceStatus["link"] {
  if (link) {
    const { carrier, peer, sinceMs } = link;
    const holder = gateway === undefined ? {} : { gateway: gateway.slice(0, 253) };
    return { carrier, peer: peer.slice(0, 255), ...holder, since: timestamp(sinceMs) };
  }
  // A restarted gateway counts on the device's return: two writes for each device of a fleet are saved.
  return phase === "Online" ? current.link : undefined;
}

function firmwareStatus(firmware: NonNullable<DeviceFacts["firmware"]>): DeviceResourceStatus["firmware"] {
  const { name, version } = firmwareOf(firmware);
  const { buildId, slot, state } = firmware;
  return defined({ name, version, buildId: cut(buildId, 128), slot, state });
}

function lastSeen(current: DeviceResourceStatus, facts: DeviceFacts): string | undefined {
  if (facts.lastSeenMs === undefined) return current.lastSeen;
  return isLookDue(current, facts.lastSeenMs, facts) ? timestamp(facts.lastSeenMs) : current.lastSeen;
}

/** Written with lastSeen and at no other time: a figure that moves with every beat would be a write a beat. */
function reportedFigures(
  current: DeviceResourceStatus,
  facts: DeviceFacts,
): DeviceResourceStatus["reported"] {
  const { sample, lastSeenMs } = facts;
  if (!sample || lastSeenMs === undefined || !isLookDue(current, lastSeenMs, facts)) return current.reported;
  // A device that has just reconnected has sent no beat yet: the column next to LAST-SEEN must not show an old value.
  if (lastSeenMs - sample.atMs > reportedWithinMs) return undefined;
  const { heapFreeBytes, rssiDbm, batteryPercent, temperatureC } = sample;
  const figures = defined({ heapFreeBytes, rssiDbm, batteryPercent, temperatureC });
  return Object.keys(figures).length > 0 ? figures : undefined;
}

function isLookDue(current: DeviceResourceStatus, lastSeenMs: number, facts: DeviceFacts): boolean {
  const written = current.lastSeen === undefined ? Number.NEGATIVE_INFINITY : Date.parse(current.lastSeen);
  const transition = current.phase !== facts.phase || current.boot !== facts.boot;
  return transition || lastSeenMs - written >= lastSeenEveryMs;
}

/** The object that Events about a device refer to. */
export function eventSubject({ spec }: Pick<DeviceFacts, "spec">): EventSubject {
  return { apiVersion, kind: "Device", namespace: spec.namespace, name: spec.name, uid: spec.uid };
}

function cut(text: string | undefined, maxLength: number): string | undefined {
  return text?.slice(0, maxLength);
}

function afterSlash(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}

/** The same object without its undefined fields, as JSON would have it. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
