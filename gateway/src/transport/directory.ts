import type { CarrierName } from "@motelet/profiles";

/** What a transport asks upward. It proves an id; `devices` says whether that id is admitted. */

/** One generation of a device's credential. Its text, `<wireId>.<generation>`, is MQTT user name and PSK identity. */
export interface WireIdentity {
  readonly wireId: string;
  readonly generation: number;
}

/** A credential as received. */
export interface Claim extends WireIdentity {
  readonly password: Uint8Array;
  /** Address of the peer, for log lines and counters. */
  readonly peer: string;
}

export type Verdict =
  | { readonly admitted: true }
  | {
      readonly admitted: false;
      readonly reason: "unknown-id" | "wrong-generation" | "wrong-password" | "paused";
    };

/** Why a client that named an identity is refused, on any carrier; `devices` has the texts for its owner. */
export type IdentityRefusal =
  | Extract<Verdict, { admitted: false }>["reason"]
  | "wrong-key"
  // Connections that prove the same identity end each other too often.
  | "take-over-limit";

/** The text about a refusal for the owner of a device. */
export interface RefusalText {
  /** Whether the identity was not proved; otherwise the client did something that the profile forbids. */
  readonly unproved: boolean;
  /** Ends a sentence that begins "a client was refused:". */
  readonly text: string;
}

/** A client that a transport refused. */
export interface RefusedClient {
  /** Label of the transport's counter and `code` of its log line. */
  readonly reason: string;
  /** Absent: the reason is an IdentityRefusal, or the owner cannot correct it. */
  readonly text?: RefusalText;
  /**
   * The client did not have the key of the identity that it named: the directory determines whether key or generation
   * was wrong.
   */
  readonly lacksKey?: boolean;
  /** Address without port. */
  readonly peer: string;
  /**
   * The names that it presented, as `<wireId>.<generation>` or as a wire id, proved or not; the first that names a
   * device counts.
   */
  readonly names: readonly string[];
  /** The text of the error, if it contains more than the reason. */
  readonly detail?: string;
}

export interface Authenticator {
  /** Decides at once; its duration does not depend on the password. */
  authenticate(claim: Claim): Verdict;
  /** Admits an identity that the transport has proved itself, by a pre-shared key or a certificate. */
  admit(proven: WireIdentity): Verdict;
  /** The pre-shared key of a valid identity; undefined if there is none. */
  pskOf(identity: WireIdentity): Uint8Array | undefined;
  /**
   * A client that presented a name was refused. The duration of this call must not reveal whether the name is that of a
   * device.
   */
  refused(client: RefusedClient): void;
  /** Calls back when wire ids are no longer admitted (removed, paused, rotated), so that open connections are closed. */
  onRevoked(listener: (wireId: string) => void): () => void;
}

/**
 * A port that a device's `spec.links` names; on a serial line e.g. `unix:/run/lamp.sock`, `pty:/dev/pts/3`,
 * `/dev/ttyACM0`.
 */
export interface WantedPort {
  readonly port: string;
  /** Key of the device that owns it, for log lines. */
  readonly device: string;
}

/** The ports that links of Devices name, on carriers that know a device by its port. */
export interface WantedLinks {
  ports(carrier: CarrierName): readonly WantedPort[];
  onChanged(listener: () => void): () => void;
}

/** One generation of an identity's key. */
export interface IdentityKey {
  readonly generation: number;
  readonly key: Uint8Array;
  /** UID of the Secret that brought it. */
  readonly secretUid: string;
}

/** For a carrier that finds the sender of a message by trying keys. */
export interface KeyDirectory {
  /** Wire ids that a device has now. */
  wireIds(): Iterable<string>;
  /** Which keys of a wire id hold now: one, during a rotation two, none if no device has it. */
  keysOf(wireId: string): readonly IdentityKey[];
  /** Tells when the keys of a wire id may be others. */
  onKeysChanged(listener: (wireId: string) => void): () => void;
}

/** The sequence numbers of one key: what names them in the cluster, and whose key it is. */
export interface SequenceRecord extends WireIdentity {
  /** Hex of a one-way function of the key: a key has one record, whichever Secret brings it. */
  readonly fingerprint: string;
  /** UID of the Secret that the key came from. */
  readonly secretUid: string;
}

/** Numbers from … end − 1 that no other process has had and none will have. */
export interface SequenceBlock {
  readonly from: number;
  readonly end: number;
}

export type Reservation =
  | { readonly reserved: true; readonly block: SequenceBlock }
  /** No number of this key may be used any more: a person has to replace it. */
  | { readonly reserved: false; readonly reason: "KEY_REPLACED" | "WENT_BACK" | "EXHAUSTED" };

/** Blocks of sequence numbers, reserved in the cluster: neither a lost disk nor a second process repeats one. */
export interface SequenceBlocks {
  /**
   * @param above the caller knows of reservations up to this number: a record that does not is an old copy
   * @throws UnavailableError if the cluster cannot be asked now; a block may have been reserved all the same, and is lost
   */
  reserve(record: SequenceRecord, above: number, signal: AbortSignal): Promise<Reservation>;
}
