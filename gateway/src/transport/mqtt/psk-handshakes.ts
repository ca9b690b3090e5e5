import { randomBytes, timingSafeEqual } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { parseUserName } from "@motelet/profiles";
import type { Authenticator, WireIdentity } from "../directory.ts";

/** Fewer bytes can be guessed from a recorded handshake; more are not taken by every OpenSSL. */
const keyBytes = { min: 16, max: 256 };

interface Attempt {
  readonly text: string;
  /** Undefined: an unknown identity; the handshake cannot succeed. */
  readonly identity: WireIdentity | undefined;
  readonly key: Uint8Array;
}

export type PskFault = "resumed-session" | "unknown-psk-identity";

/**
 * Remembers which identity each TLS-PSK handshake has proved. The key must have been requested in this very handshake:
 * a resumed TLS session needs no key, even if the identity has been revoked since (seen on TLS 1.2 and 1.3).
 */
export class PskHandshakes {
  readonly #pskOf: Authenticator["pskOf"];
  readonly #attempts = new WeakMap<TLSSocket, Attempt>();

  constructor(pskOf: Authenticator["pskOf"]) {
    this.#pskOf = pskOf;
  }

  /**
   * The `pskCallback` of a TLS server. Unknown identities get a key, too, so that clients cannot find out which
   * identities exist.
   */
  readonly answer = (socket: TLSSocket, text: string): Uint8Array => {
    const before = this.#attempts.get(socket);
    // A second ClientHello (RFC 8446 §4.1.4) asks again for the same one; a choice of several proves none.
    if (before?.text === text) return before.key;
    const identity = before ? undefined : parseUserName(text);
    const key = identity && this.#keyOf(identity);
    const attempt = key ? { text, identity, key } : { text, identity: undefined, key: randomBytes(32) };
    this.#attempts.set(socket, attempt);
    return attempt.key;
  };

  /** The identity that a finished handshake has proved. */
  proofOf(socket: TLSSocket): WireIdentity | PskFault {
    const attempt = this.#attempts.get(socket);
    if (!attempt) return "resumed-session";
    const { identity, key } = attempt;
    const now = identity && this.#keyOf(identity);
    // The key may have been changed while the handshake went on.
    const holds = now && now.length === key.length && timingSafeEqual(now, key);
    return identity && holds ? identity : "unknown-psk-identity";
  }

  /** Why a handshake failed after a key was requested; undefined if none was. */
  faultOf(socket: TLSSocket): "unknown-psk-identity" | "wrong-key" | undefined {
    const attempt = this.#attempts.get(socket);
    return attempt && (attempt.identity ? "wrong-key" : "unknown-psk-identity");
  }

  /** The identity that a peer has named, right or wrong, for log lines. */
  claimOf(socket: TLSSocket): string | undefined {
    return this.#attempts.get(socket)?.text;
  }

  #keyOf(identity: WireIdentity): Uint8Array | undefined {
    const key = this.#pskOf(identity);
    return key && key.length >= keyBytes.min && key.length <= keyBytes.max ? key : undefined;
  }
}
