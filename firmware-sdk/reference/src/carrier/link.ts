import type { CarrierName, MessageKind } from "@motelet/profiles";

/** What a carrier tells the device. Calls come on the event loop and must not throw. */
export interface LinkEvents {
  /** Messages can be sent: say hello. */
  opened(): void;
  closed(reason: string): void;
  message(bytes: Uint8Array): void;
  /** Input for the console, on carriers that have one. */
  console(bytes: Uint8Array): void;
  /** The carrier itself proved that the other side lives. */
  heard(): void;
}

/** What has gone over a link since it was made. */
export interface LinkTraffic {
  /** How often it opened. */
  opens: number;
  messagesOut: number;
  messagesIn: number;
  /** Framing included. */
  bytesOut: number;
  bytesIn: number;
}

/** A device's way to its gateway. It may lose messages, and opens again by itself. */
export interface DeviceLink {
  readonly carrier: CarrierName;
  /** Retransmission time-out before a welcome says otherwise, milliseconds (SPEC §8). */
  readonly rtoMs: number;
  /** Absent: not counted. */
  readonly traffic?: Readonly<LinkTraffic> | undefined;
  /** Resolves when the link is ready to be opened; it may not be open yet. */
  start(events: LinkEvents): Promise<void>;
  /** False: dropped, because the link is closed or its buffer full. */
  send(message: Uint8Array, kind: MessageKind): boolean;
  /** Prints text on the console, where the carrier has one. */
  print?(text: string): void;
  /** What a reset of the device does to the link. */
  reset(): void;
  /** Makes the link that of a device that hangs (true), or that has come to itself: it does nothing of its own accord. */
  hold?(held: boolean): void;
  /** Lets what was sent go out, then closes for good. */
  stop(): Promise<void>;
}
