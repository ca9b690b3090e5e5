import type { Socket } from "node:net";

/** More than any ClientHello that small devices send; beyond it the socket is not read before its handshake. */
const maxBytes = 4_096;
/** Type, version and length of a TLS record (RFC 8446 §5.1). */
const headerBytes = 5;
const maxRecordBytes = 16_384;
const handshakeRecord = 22;
const majorVersion = 3;

/**
 * Whether a TLS server can process the first bytes of a peer: a whole record, or bytes that are not TLS and will be
 * refused.
 */
export function isWholeRecord(bytes: Uint8Array): boolean {
  if (bytes.length >= maxBytes) return true;
  const [type = handshakeRecord, major = majorVersion] = bytes;
  if (type !== handshakeRecord || major !== majorVersion) return true;
  if (bytes.length < headerBytes) return false;
  const length = ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0);
  return length > maxRecordBytes || bytes.length >= headerBytes + length;
}

/**
 * Holds a peer's bytes before its handshake begins, usually its ClientHello. Meanwhile the socket is read, because a
 * paused socket does not report that its peer has disconnected, and a handshake for it would be wasted.
 */
export class ClientHello {
  readonly #socket: Socket;
  readonly #received: () => void;
  #bytes = Buffer.alloc(0);
  #isWhole = false;

  /** @param received is called once, when the peer has asked for a handshake; must not throw */
  constructor(socket: Socket, received: () => void) {
    this.#socket = socket;
    this.#received = received;
    socket.on("data", this.#take);
    socket.once("end", this.#drop);
  }

  /** Stops holding: the socket's next reader gets all received bytes. */
  putBack(): void {
    this.#socket.off("data", this.#take);
    this.#socket.off("end", this.#drop);
    this.#socket.pause();
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length >= maxBytes) this.#socket.pause();
    if (this.#isWhole || !isWholeRecord(this.#bytes)) return;
    this.#isWhole = true;
    this.#received();
  };

  /** A peer that has ended its input cannot do a handshake. */
  readonly #drop = (): void => void this.#socket.destroy();
}
