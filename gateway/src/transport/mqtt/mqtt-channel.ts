import { downlinkTopic, limits } from "@motelet/profiles";
import type { Channel, ProvenIdentity } from "../channel.ts";
import type { PacketGuard } from "./packet-guard.ts";
import { addressOf } from "./peer.ts";

/** A device's downlink and uplink over one MQTT connection. */
export class MqttChannel implements Channel {
  readonly carrier = "mqtt";
  readonly peer: string;
  readonly peerAddress: string;
  readonly identity: ProvenIdentity;
  readonly maxMessageBytes = limits.messageBytes;
  readonly rtoMs: number;
  readonly acksBeats = false;
  readonly demandsHello = false;
  readonly #guard: PacketGuard;
  readonly #topic: Buffer;
  readonly #bufferBytes: number;
  readonly #dropped: () => void;
  readonly #closing: (reason: string) => void;

  constructor(options: {
    guard: PacketGuard;
    peer: string;
    wireId: string;
    generation: number;
    rtoMs: number;
    bufferBytes: number;
    /** A message found no room. */
    dropped: () => void;
    /** The owner wants the path closed. */
    closing: (reason: string) => void;
  }) {
    const { wireId, generation } = options;
    this.peer = options.peer;
    this.peerAddress = addressOf(options.peer);
    this.rtoMs = options.rtoMs;
    this.identity = { kind: "wire-id", wireId, generation };
    this.#guard = options.guard;
    this.#topic = Buffer.from(downlinkTopic(wireId));
    this.#bufferBytes = options.bufferBytes;
    this.#dropped = options.dropped;
    this.#closing = options.closing;
  }

  send(message: Uint8Array): boolean {
    const packet = encodePublish(this.#topic, message);
    if (!this.#guard.writable || this.#guard.writableLength + packet.length > this.#bufferBytes) {
      this.#dropped();
      return false;
    }
    // Straight to this client: the broker's own routing would wait for whoever reads slowly.
    this.#guard.say(packet);
    return true;
  }

  refundRateToken(): void {
    this.#guard.refundRateToken();
  }

  close(reason: string): void {
    this.#closing(reason);
  }
}

/**
 * A PUBLISH with QoS 0 (MQTT 3.1.1 §3.3).
 *
 *   30 │ remaining length:1–2 │ topic length:2 BE │ topic │ payload
 *
 * @param payload at most 16,000 bytes
 */
function encodePublish(topic: Buffer, payload: Uint8Array): Buffer {
  const remaining = 2 + topic.length + payload.length;
  const lengthBytes = remaining < 128 ? 1 : 2;
  const packet = Buffer.allocUnsafe(1 + lengthBytes + remaining);
  packet[0] = 0x30;
  packet[1] = lengthBytes === 1 ? remaining : (remaining & 0x7f) | 0x80;
  if (lengthBytes === 2) packet[2] = remaining >> 7;
  packet.writeUInt16BE(topic.length, 1 + lengthBytes);
  topic.copy(packet, 3 + lengthBytes);
  packet.set(payload, 3 + lengthBytes + topic.length);
  return packet;
}
