import { isDeepStrictEqual } from "node:util";
import { type DeviceSpec, deviceKey, type Phase } from "../devices/device.ts";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { Work } from "../foundation/workqueue.ts";
import { isConflict, isNotFound } from "../kubeapi/errors.ts";
import { ReadYourWritesStore } from "../kubeapi/read-your-writes-store.ts";
import type { WantedCondition } from "../resources/conditions.ts";
import { type Device, devicePath, deviceSpecOf, deviceStatus, restoredFacts } from "../resources/device.ts";
import { profilePeripherals } from "../resources/device-profile.ts";
import { formerFinalizer } from "../resources/labels.ts";
import { refusalRemainingMs } from "../resources/refusal-condition.ts";
import type { MirrorContext } from "./context.ts";
import { followProfiles } from "./device-profile-controller.ts";
import type { IdentityController } from "./identity-controller.ts";

/** Removes the objects that represent a device in the cluster, in the given order. */
export interface Remover {
  remove(spec: DeviceSpec, signal: AbortSignal): Promise<void>;
}

/** Status writes of one Device: this many at once, then one each `refillMs`, whatever the device sends. */
const statusRate = { burst: 20, refillMs: 15_000 };

/** A status that lacks what a bring-up is about to find out waits for it this long, to be written once. */
const maxHoldMs = 5_000;

/**
 * Device objects ⇄ registry. Admits the desired state to the registry (with the identity, and with the status that an
 * earlier gateway wrote), and writes the facts into the status, coalesced, in the low lane. A deleted Device leaves the
 * registry at once; its Pod, Lease and Node are deleted next. Nothing waits for that (ADR 0018): if a Device is deleted
 * while no gateway runs, Kubernetes collects Pod and Lease, and the gateway deletes the Node at its next start.
 */
export class DeviceController {
  readonly #context: MirrorContext;
  readonly #identities: IdentityController;
  readonly #removers: readonly Remover[];
  readonly #devices: ReadYourWritesStore<Device>;
  readonly #admission: Work;
  readonly #status: Work;
  readonly #cleanup: Work;
  /** Deleted devices, by UID, until their objects are deleted, too. */
  readonly #leaving = new Map<string, DeviceSpec>();
  readonly #buckets = new Map<string, TokenBucket>();
  /** Until when (monotonic) the first status of a new device is delayed; bounded by the number of devices. */
  readonly #heldUntilMs = new Map<string, number>();

  constructor(context: MirrorContext, identities: IdentityController, removers: readonly Remover[]) {
    this.#context = context;
    this.#identities = identities;
    this.#removers = removers;
    this.#devices = new ReadYourWritesStore(context.devices, context.clock);
    const { queue, devices, secrets, registry, conditions } = context;
    this.#admission = queue.register("device-admission", "high", (key) => this.#admit(key));
    this.#status = queue.register("device-status", "low", (key, signal) =>
      this.#reconcileStatus(key, signal),
    );
    this.#cleanup = queue.register("device-cleanup", "low", (uid, signal) => this.#cleanUp(uid, signal));
    devices.changes.subscribe((key) => {
      this.#admission.add(key);
      this.#status.add(key);
    });
    secrets.changes.subscribe((key) => {
      for (const device of identities.devicesOfSecret(key)) this.#admission.add(device);
    });
    followProfiles(context, (key) => this.#admission.add(key));
    registry.changes.subscribe((key) => this.#status.add(key));
    conditions.changes.subscribe((key) => this.#status.add(key));
  }

  async #admit(key: string): Promise<undefined> {
    const { devices, profiles, registry, conditions, homeNamespace } = this.#context;
    const device = devices.get(key);
    if (!device || device.metadata.deletionTimestamp) {
      const spec = registry.get(key)?.spec ?? (device && deviceSpecOf(device, homeNamespace));
      registry.remove(key);
      conditions.clear(key);
      this.#buckets.delete(key);
      this.#heldUntilMs.delete(key);
      if (spec) {
        this.#leaving.set(spec.uid, spec);
        this.#cleanup.add(spec.uid);
      }
      return undefined;
    }
    const spec = deviceSpecOf(device, homeNamespace, {
      identity: this.#identities.identityFor(device),
      peripherals: profilePeripherals(profiles.get(device.spec?.profile ?? "")),
    });
    if (!isDeepStrictEqual(registry.get(key)?.spec, spec)) registry.admit(spec, restoredFacts(device));
    return undefined;
  }

  async #reconcileStatus(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { registry, conditions, clock, gatewayName } = this.#context;
    const device = this.#devices.get(key);
    const facts = registry.get(key);
    if (!device || !facts || device.metadata.deletionTimestamp) return undefined;
    if (device.metadata.uid !== facts.spec.uid) return undefined;
    const free = hasFinalizer(device) ? await this.#replace(withoutFinalizer(device), "", signal) : device;
    const status = deviceStatus(free, facts, conditions.of(key), clock.wallMs(), gatewayName);
    // A refusal without news goes by itself.
    const againMs = refusalRemainingMs(facts, clock.wallMs()) || undefined;
    if (isDeepStrictEqual(status, free.status)) return againMs;
    const waitMs = this.#holdMs(key, facts.phase) || this.#bucketOf(key).take(clock.monotonicMs());
    if (waitMs > 0) return waitMs;
    await this.#replace({ ...free, status }, "/status", signal);
    return againMs;
  }

  /** @returns how long the status waits for the rest of what a bring-up finds out; news makes it look again earlier */
  #holdMs(key: string, phase: Phase): number {
    const { conditions, clock } = this.#context;
    if (isComplete(phase, conditions.of(key))) {
      this.#heldUntilMs.delete(key);
      return 0;
    }
    const nowMs = clock.monotonicMs();
    const untilMs = this.#heldUntilMs.get(key) ?? nowMs + maxHoldMs;
    this.#heldUntilMs.set(key, untilMs);
    return Math.max(0, untilMs - nowMs);
  }

  async #cleanUp(uid: string, signal: AbortSignal): Promise<undefined> {
    const spec = this.#leaving.get(uid);
    if (!spec) return undefined;
    for (const remover of this.#removers) await remover.remove(spec, signal);
    const key = deviceKey(spec.namespace, spec.name);
    const device = this.#context.devices.get(key);
    if (device?.metadata.uid === uid && hasFinalizer(device))
      await this.#replace(withoutFinalizer(device), "", signal);
    this.#leaving.delete(uid);
    this.#context.log.info({ device: key, node: spec.nodeName }, "device removed");
    return undefined;
  }

  /** PUT with the resourceVersion that was read. */
  async #replace(device: Device, subresource: "" | "/status", signal: AbortSignal): Promise<Device> {
    const { namespace = "", name } = device.metadata;
    const key = `${namespace}/${name}`;
    try {
      const path = `${devicePath(namespace, name)}${subresource}`;
      return this.#devices.wrote(key, await this.#context.kube.replace<Device>(path, device, { signal }));
    } catch (error) {
      this.#devices.forget(key);
      // Gone or replaced meanwhile: the watch brings what is true now.
      if (isNotFound(error)) return device;
      if (isConflict(error)) this.#status.add(key);
      throw error;
    }
  }

  #bucketOf(key: string): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(statusRate, this.#context.clock.monotonicMs());
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/** Whether a bring-up has come as far as it will: an error is reported at once, and nothing comes after it. */
function isComplete(phase: Phase, conditions: readonly WantedCondition[]): boolean {
  const awaited = phase === "Pending" ? ["Identity"] : ["Identity", "Node", "Pod"];
  return (
    conditions.some(({ status }) => status === "False") ||
    awaited.every((type) => conditions.some((condition) => condition.type === type))
  );
}

function hasFinalizer(device: Device): boolean {
  return device.metadata.finalizers?.includes(formerFinalizer) ?? false;
}

function withoutFinalizer(device: Device): Device {
  const finalizers = (device.metadata.finalizers ?? []).filter((finalizer) => finalizer !== formerFinalizer);
  return { ...device, metadata: { ...device.metadata, finalizers } };
}
