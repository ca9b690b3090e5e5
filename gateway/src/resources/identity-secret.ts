import type { Credential, DeviceIdentity } from "../devices/device.ts";
import type { KubeObject } from "../kubeapi/objects.ts";
import { type Device, identitySecretName } from "./device.ts";
import { apiVersion, deviceLabel, identityLabel, managedByLabel } from "./labels.ts";

/** `data` is base64, as in the API server's JSON. */
export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const wireIdLength = 12;
const passwordBytes = 24;
/** Fewer can be guessed from a recorded TLS-PSK handshake; OpenSSL takes no more. */
const keyBytes = { min: 16, max: 256 };
const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The gateway reads only Secrets with this label; a Secret that a person creates needs it too. */
export const identitySelector = identityLabel;

/**
 * A new identity for a device.
 * @param randomBytes returns this many bytes from a cryptographic source
 */
export function newIdentity(randomBytes: (count: number) => Uint8Array): DeviceIdentity {
  return {
    wireId: randomWireId(randomBytes),
    generation: 1,
    password: Buffer.from(randomBytes(passwordBytes)).toString("base64url"),
  };
}

function randomWireId(randomBytes: (count: number) => Uint8Array): string {
  // 252 = 7 × 36: larger bytes are thrown away, or the first letters would be likelier than the others.
  const unbiased = 252;
  let wireId = "";
  while (wireId.length < wireIdLength) {
    const fresh = [...randomBytes(wireIdLength * 2)].filter((byte) => byte < unbiased);
    wireId += fresh.map((byte) => alphabet[byte % alphabet.length]).join("");
  }
  return wireId.slice(0, wireIdLength);
}

/** The Secret that contains an identity, in the device's namespace, owned by the Device. */
export function buildIdentitySecret(device: Device, identity: DeviceIdentity): Secret {
  const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: identitySecretName(device),
      namespace: device.metadata.namespace ?? "",
      labels: {
        [identityLabel]: "device",
        [deviceLabel]: device.metadata.name,
        [managedByLabel]: "motelet",
      },
      ownerReferences: [
        { apiVersion, kind: "Device", name: device.metadata.name, uid: device.metadata.uid ?? "" },
      ],
    },
    type: "Opaque",
    data: {
      wireId: base64(identity.wireId),
      generation: base64(String(identity.generation)),
      password: base64(identity.password),
    },
  };
}

/**
 * Reads the identity in a Secret. To rotate without a gap, a person moves `password` and `key` to `previousPassword`
 * and `previousKey`, and sets new ones with a raised `generation` (and `previousGeneration` if it is not one less).
 * @returns undefined if the Secret does not contain a usable identity
 */
export function identityOf(secret: Secret): DeviceIdentity | undefined {
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? "", "base64").toString("utf8");
  const wireId = text("wireId");
  if (!/^[a-z0-9]{1,12}$/.test(wireId)) return undefined;
  const key = (name: string) => Buffer.from(secret.data?.[name] ?? "", "base64");
  const current = credentialOf(Number(text("generation") || "1"), text("password"), key("key"));
  if (!current) return undefined;
  const { uid } = secret.metadata;
  const base = { wireId, ...(uid ? { secretUid: uid } : {}) };
  if (text("previousPassword") === "") return { ...base, ...current };
  const previous = credentialOf(
    Number(text("previousGeneration") || String(current.generation - 1)),
    text("previousPassword"),
    key("previousKey"),
  );
  if (!previous || previous.generation === current.generation) return undefined;
  return { ...base, ...current, previous };
}

function credentialOf(generation: number, password: string, key: Buffer): Credential | undefined {
  if (password === "" || !Number.isSafeInteger(generation) || generation < 1) return undefined;
  if (key.length === 0) return { generation, password };
  if (key.length < keyBytes.min || key.length > keyBytes.max) return undefined;
  return { generation, password, key: Uint8Array.from(key) };
}
