import { type BeatMessage, decodeMessage, encodeMessage, type MessageKind } from "@motelet/profiles";
import type { DeviceLink, LinkEvents, LinkTraffic } from "@motelet/reference";

/** A link that remembers when its device last spoke, and can put other figures into its beats. */
export class ObservedLink implements DeviceLink {
  readonly carrier;
  readonly rtoMs;
  /** When something last left the device, as performance.now() tells it. */
  lastSentMs = 0;
  /** Hellos that left the device, oldest first. */
  readonly hellosMs: number[] = [];
  readonly #link: DeviceLink;
  readonly #beat: ((beat: BeatMessage) => BeatMessage) | undefined;

  /** @param beat what becomes of each beat before it leaves */
  constructor(link: DeviceLink, beat?: (beat: BeatMessage) => BeatMessage) {
    this.#link = link;
    this.#beat = beat;
    this.carrier = link.carrier;
    this.rtoMs = link.rtoMs;
  }

  get traffic(): Readonly<LinkTraffic> | undefined {
    return this.#link.traffic;
  }

  start(events: LinkEvents): Promise<void> {
    return this.#link.start(events);
  }

  send(message: Uint8Array, kind: MessageKind): boolean {
    const sent = this.#link.send(kind === "beat" ? this.#changed(message) : message, kind);
    if (sent) {
      this.lastSentMs = performance.now();
      if (kind === "hello") this.hellosMs.push(this.lastSentMs);
    }
    return sent;
  }

  reset(): void {
    this.#link.reset();
  }

  hold(held: boolean): void {
    this.#link.hold?.(held);
  }

  stop(): Promise<void> {
    return this.#link.stop();
  }

  #changed(message: Uint8Array): Uint8Array {
    if (!this.#beat) return message;
    const { message: decoded } = decodeMessage(message);
    return decoded.kind === "beat" ? encodeMessage(this.#beat(decoded)) : message;
  }
}
