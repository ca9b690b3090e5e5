import { randomBytes } from "node:crypto";
import type { DeviceIdentity } from "../devices/device.ts";
import type { Work } from "../foundation/workqueue.ts";
import { isAlreadyExists } from "../kubeapi/errors.ts";
import { objectKey, splitKey } from "../kubeapi/objects.ts";
import { ReadYourWritesStore } from "../kubeapi/read-your-writes-store.ts";
import { type Device, identitySecretName } from "../resources/device.ts";
import { buildIdentitySecret, identityOf, newIdentity, type Secret } from "../resources/identity-secret.ts";
import { deviceLabel, identityLabel } from "../resources/labels.ts";
import type { MirrorContext } from "./context.ts";
import { RetryLater } from "./retry-later.ts";

/**
 * Ensures that every Device has an identity: creates the Secret `<device>-identity` if the Device names none, and reads
 * only Secrets that have the label motelet.dev/identity. If a Device cannot have an identity, its condition Identity
 * has the reason.
 */
export class IdentityController {
  readonly #context: Pick<
    MirrorContext,
    "kube" | "clock" | "log" | "queue" | "devices" | "secrets" | "conditions" | "conflictRetryMs"
  >;
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #work: Work;
  readonly #secrets: ReadYourWritesStore<Secret>;
  readonly #taken: RetryLater;
  /** wireId → the first device that has it; and the last identity of each device. */
  readonly #wireIds = new Map<string, string>();
  readonly #wireIdOf = new Map<string, string>();

  constructor(
    context: Pick<
      MirrorContext,
      "kube" | "clock" | "log" | "queue" | "devices" | "secrets" | "conditions" | "conflictRetryMs"
    >,
    random: (count: number) => Uint8Array = randomBytes,
  ) {
    this.#context = context;
    this.#secrets = new ReadYourWritesStore(context.secrets, context.clock);
    this.#taken = new RetryLater(context.clock, context.conflictRetryMs);
    this.#randomBytes = random;
    this.#work = context.queue.register("identity", "high", (key, signal) => this.#reconcile(key, signal));
    context.devices.changes.subscribe((key) => this.#work.add(key));
    context.secrets.changes.subscribe((key) => {
      for (const device of this.devicesOfSecret(key)) {
        this.#taken.forget(device);
        this.#work.add(device);
      }
    });
  }

  /**
   * The present identity of a device; undefined if it has none, an invalid one, or one that belongs to another device.
   */
  identityFor(device: Device): DeviceIdentity | undefined {
    const key = objectKey(device);
    const secret = this.#secretOf(device);
    const identity = secret && identityOf(secret);
    if (!identity) return undefined;
    const holder = this.#wireIds.get(identity.wireId);
    if (holder !== undefined && holder !== key && this.#holds(holder, identity.wireId)) return undefined;
    if (this.#wireIdOf.get(key) !== identity.wireId) this.#forget(key);
    this.#wireIds.set(identity.wireId, key);
    this.#wireIdOf.set(key, identity.wireId);
    return identity;
  }

  /** Keys of the Devices whose identity is in this Secret. */
  devicesOfSecret(secretKey: string): readonly string[] {
    const { devices, secrets } = this.#context;
    const { namespace, name } = splitKey(secretKey);
    const labelled = secrets.get(secretKey)?.metadata.labels?.[deviceLabel];
    const direct = labelled === undefined ? undefined : devices.get(`${namespace}/${labelled}`);
    if (direct && identitySecretName(direct) === name) return [objectKey(direct)];
    return devices
      .list()
      .filter((device) => device.metadata.namespace === namespace && identitySecretName(device) === name)
      .map(objectKey);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const device = this.#context.devices.get(key);
    if (!device) {
      this.#taken.forget(key);
      this.#forget(key);
    }
    if (!device || device.metadata.deletionTimestamp) return undefined;
    const secret = this.#secretOf(device);
    if (secret) {
      this.#report(device, secret);
      return undefined;
    }
    if (device.spec?.identity) {
      const name = identitySecretName(device);
      this.#find(key, "SecretNotFound", `there is no Secret ${name} with the label ${identityLabel}`);
      return undefined;
    }
    return this.#create(device, signal);
  }

  async #create(device: Device, signal: AbortSignal): Promise<number | undefined> {
    const { kube, log } = this.#context;
    const key = objectKey(device);
    const waitMs = this.#taken.remaining(key);
    if (waitMs > 0) return waitMs;
    const path = `/api/v1/namespaces/${device.metadata.namespace}/secrets`;
    try {
      const wanted = buildIdentitySecret(device, newIdentity(this.#randomBytes));
      const secret = await kube.create<Secret>(path, wanted, { signal });
      this.#secrets.wrote(objectKey(secret), secret);
      log.info({ device: key }, "identity created");
      return undefined;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const name = identitySecretName(device);
      this.#find(key, "SecretNameConflict", `the Secret ${name} exists without the label ${identityLabel}`);
      return this.#taken.postpone(key);
    }
  }

  #report(device: Device, secret: Secret): void {
    const key = objectKey(device);
    if (!identityOf(secret)) {
      this.#find(
        key,
        "SecretInvalid",
        `the Secret ${secret.metadata.name} holds no wireId (1-12 of a-z0-9) with password, a key that has not 16-256 bytes, or two of one generation`,
      );
    } else if (!this.identityFor(device)) {
      this.#find(key, "WireIdTaken", `the wireId in the Secret ${secret.metadata.name} is another device's`);
    } else {
      const message = `the identity is in the Secret ${secret.metadata.name}`;
      this.#context.conditions.set(key, {
        type: "Identity",
        status: "True",
        reason: "SecretExists",
        message,
      });
    }
  }

  #find(key: string, reason: string, message: string): void {
    this.#context.conditions.set(key, { type: "Identity", status: "False", reason, message });
  }

  #secretOf(device: Device): Secret | undefined {
    return this.#secrets.get(`${device.metadata.namespace}/${identitySecretName(device)}`);
  }

  #forget(key: string): void {
    const wireId = this.#wireIdOf.get(key);
    if (wireId !== undefined && this.#wireIds.get(wireId) === key) this.#wireIds.delete(wireId);
    this.#wireIdOf.delete(key);
  }

  #holds(key: string, wireId: string): boolean {
    const device = this.#context.devices.get(key);
    const secret = device && this.#secretOf(device);
    return secret !== undefined && identityOf(secret)?.wireId === wireId;
  }
}
