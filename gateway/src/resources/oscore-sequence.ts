import { Type } from "typebox";
import type { KubeObject } from "../kubeapi/objects.ts";
import { apiVersion } from "./labels.ts";

/** Numbers that one write reserves: a device that sends one each second uses them up in 18 hours. */
export const sequenceBlock = 65_536;
/** One past the highest sequence number (RFC 8613 §7.2.1). */
const sequenceEnd = 2 ** 40;

export const oscoreSequencesPath = "/apis/motelet.dev/v1alpha1/oscoresequences";

export const oscoreSequenceSpecSchema = Type.Object(
  {
    wireId: Type.String({ maxLength: 12, description: "Of the device whose key it is." }),
    generation: Type.Integer({ minimum: 1, description: "Of the key." }),
    secretUid: Type.String({ maxLength: 64, description: "UID of the Secret that brought the key." }),
    recordUid: Type.String({
      maxLength: 64,
      description: "UID of this object, written by the gateway: a copy from a backup has another one.",
    }),
    next: Type.Integer({
      format: "int64",
      minimum: 0,
      maximum: sequenceEnd,
      description: "Lowest number that no gateway has reserved.",
    }),
    retired: Type.Boolean({
      description:
        "A gateway has found that this object was put back to an earlier state: give the device a new key.",
    }),
  },
  { description: "Written by gateways only. Do not edit or delete it as long as the key is in use." },
);

/** What a record never does, whoever writes it. */
export const oscoreSequenceRules = [
  {
    rule: "self.spec.next >= oldSelf.spec.next",
    message: "spec.next cannot be lowered: numbers would be used twice",
  },
  { rule: "self.spec.secretUid == oldSelf.spec.secretUid", message: "spec.secretUid cannot be changed" },
  {
    rule: "oldSelf.spec.recordUid == '' || self.spec.recordUid == oldSelf.spec.recordUid",
    message: "spec.recordUid cannot be changed",
  },
  { rule: "!oldSelf.spec.retired || self.spec.retired", message: "a retired key cannot be used again" },
];

/** Which sender sequence numbers of one OSCORE key are reserved (docs/adr/0023). Cluster-scoped: it outlives Device and Secret. */
export interface OscoreSequence extends KubeObject {
  readonly spec: {
    readonly wireId: string;
    readonly generation: number;
    readonly secretUid: string;
    readonly recordUid: string;
    readonly next: number;
    readonly retired: boolean;
  };
}

/** Whose numbers are reserved. */
export interface SequenceClaim {
  readonly wireId: string;
  readonly generation: number;
  /** Hex, from the key. */
  readonly fingerprint: string;
  readonly secretUid: string;
}

export type SequenceOutcome =
  | { readonly reserved: true; readonly block: { readonly from: number; readonly end: number } }
  | { readonly reserved: false; readonly reason: "KEY_REPLACED" | "WENT_BACK" | "EXHAUSTED" };

/** The name has the key in it: the same key finds its record again, even if Device and Secret were made again. */
export function oscoreSequenceName({ wireId, generation, fingerprint }: SequenceClaim): string {
  return `${wireId}.${generation}.${fingerprint}`;
}

/** A new record. It reserves nothing: only the next write can put the UID of the object in it. */
export function newOscoreSequence(claim: SequenceClaim): OscoreSequence {
  const { wireId, generation, secretUid } = claim;
  return {
    apiVersion,
    kind: "OscoreSequence",
    metadata: { name: oscoreSequenceName(claim) },
    spec: { wireId, generation, secretUid, recordUid: "", next: 0, retired: false },
  };
}

/**
 * Reserves a block, or finds why that must not be.
 * @param above the caller knows that numbers up to this one are reserved
 * @returns the outcome, and what has to be written before it holds
 */
export function reserveSequence(
  record: OscoreSequence,
  claim: SequenceClaim,
  above: number,
): { readonly outcome: SequenceOutcome; readonly write?: OscoreSequence } {
  const refused = (reason: "KEY_REPLACED" | "WENT_BACK" | "EXHAUSTED") =>
    ({ reserved: false, reason }) as const;
  const { spec, metadata } = record;
  if (spec.retired) return { outcome: refused("WENT_BACK") };
  const isCopy = spec.recordUid === "" ? spec.next > 0 : spec.recordUid !== metadata.uid;
  if (isCopy || spec.secretUid !== claim.secretUid) return { outcome: refused("KEY_REPLACED") };
  if (spec.next < above)
    return { outcome: refused("WENT_BACK"), write: { ...record, spec: { ...spec, retired: true } } };
  const end = spec.next + sequenceBlock;
  if (end > sequenceEnd) return { outcome: refused("EXHAUSTED") };
  return {
    outcome: { reserved: true, block: { from: spec.next, end } },
    write: { ...record, spec: { ...spec, recordUid: metadata.uid ?? "", next: end } },
  };
}
