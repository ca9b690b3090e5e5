/** What a transport asks upward. It proves an id; `devices` says whether that id is admitted. */

/** One generation of a device's credential. Its text, `<wireId>.<generation>`, is MQTT user name and PSK identity. */
export interface WireIdentity {
  readonly wireId: string;
  readonly generation: number;
}

/** A credential as it came over the wire. */
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

/** Why a transport turns somebody away: label of its counter and `code` of its log line. */
export type TransportRefusal =
  | Extract<Verdict, { admitted: false }>["reason"]
  | "user-name"
  | "client-id"
  | "will"
  | "persistent-session"
  | "publish-topic"
  | "publish-retained"
  | "publish-qos"
  | "subscribe-topic"
  | "client-certificate"
  | "take-over-limit"
  | "wrong-key"
  | "unknown-psk-identity"
  | "resumed-session"
  | "handshake"
  | "handshake-deadline"
  | "connect-deadline"
  | "not-mqtt"
  | "malformed-length"
  | "packet-too-long"
  | "protocol"
  | "stalled"
  | "pending-limit"
  | "connection-limit";

/** Somebody whom a transport turned away. */
export interface RefusedClient {
  readonly reason: TransportRefusal;
  /** Address without port. */
  readonly peer: string;
  /** What it showed as `<wireId>.<generation>` or as a wire id, proved or not; the first that names a device counts. */
  readonly names: readonly string[];
  /** The error's own words, if they say more than the reason. */
  readonly detail?: string;
}

export interface Authenticator {
  /** Decides at once, in constant time as to the password. */
  authenticate(claim: Claim): Verdict;
  /** Decides about an identity that the transport has proved itself, by a pre-shared key or a certificate. */
  admit(proven: WireIdentity): Verdict;
  /** The pre-shared key of an identity that holds now; undefined where there is none. */
  pskOf(identity: WireIdentity): Uint8Array | undefined;
  /** A client was turned away that showed a name. Whether it is the name of a device must not show in the time that this takes. */
  refused(client: RefusedClient): void;
  /** Tells when wire ids are no longer admitted (removed, paused, rotated), so that open connections are closed. */
  onRevoked(listener: (wireId: string) => void): () => void;
}

/** A serial port that a device's `spec.links` names, e.g. `unix:/run/lamp.sock`, `pty:/dev/pts/3`, `/dev/ttyACM0`. */
export interface WantedPort {
  readonly port: string;
  /** Key of the device that owns it, for log lines. */
  readonly device: string;
}

export interface WantedLinks {
  ports(): readonly WantedPort[];
  onChanged(listener: () => void): () => void;
}
