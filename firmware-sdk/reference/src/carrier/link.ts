import type { CarrierName, MessageKind } from "@motelet/profiles";

/** Events of a carrier for the device. Calls arrive on the event loop and must not throw. */
export interface LinkEvents {
  /** Messages can be sent: the device sends hello. */
  opened(): void;
  closed(reason: string): void;
  message(bytes: Uint8Array): void;
  /** Input for the console, on carriers that have one. */
  console(bytes: Uint8Array): void;
  /** The carrier itself proved that the other side is alive. */
  heard(): void;
}

/** The traffic of a link since it was created. */
export interface LinkTraffic {
  /** How often it opened. */
  opens: number;
  messagesOut: number;
  messagesIn: number;
  /** Framing included. */
  bytesOut: number;
  bytesIn: number;
}

/** A device's path to its gateway. It may lose messages, and opens again by itself. */
export interface DeviceLink {
  readonly carrier: CarrierName;
  /** Retransmission time-out before a welcome says otherwise, milliseconds (SPEC §8). */
  readonly rtoMs: number;
  /** Absent: not counted. */
  readonly traffic?: Readonly<LinkTraffic> | undefined;
  /** Resolves when the link is ready to be opened; it may not be open yet. */
  start(events: LinkEvents): Promise<void>;
  /** False: dropped, because the link is closed or its buffer is full. */
  send(message: Uint8Array, kind: MessageKind): boolean;
  /** Prints text on the console, if the carrier has one. */
  print?(text: string): void;
  /** Applies a reset of the device to the link. */
  reset(): void;
  /** Simulates a device that hangs (true) or works again (false): a held link does nothing by itself. */
  hold?(held: boolean): void;
  /** Sends the queued messages, then closes permanently. */
  stop(): Promise<void>;
}
