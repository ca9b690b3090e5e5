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

export interface Authenticator {
  /** Decides at once, in constant time as to the password. */
  authenticate(claim: Claim): Verdict;
  /** Decides about an identity that the transport has proved itself, by a pre-shared key or a certificate. */
  admit(proven: WireIdentity): Verdict;
  /** The pre-shared key of an identity that holds now; undefined where there is none. */
  pskOf(identity: WireIdentity): Uint8Array | undefined;
  /** Somebody named this identity in a handshake and did not prove it. */
  unproved(identity: WireIdentity): void;
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
