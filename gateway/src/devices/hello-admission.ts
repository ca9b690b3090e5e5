import { ByeReason, encodeMessage, type HelloMessage } from "@motelet/profiles";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { KeyValues } from "../store/key-values.ts";
import type { Channel } from "../transport/channel.ts";
import { Admission } from "./admission.ts";
import type { DeviceFacts } from "./device.ts";
import type { RefusalNotes } from "./refusal-notes.ts";
import { type HelloRefusal, refusalTextOf } from "./refusals.ts";

/**
 * Decides which hello begins a session. Each refusal is counted and logged. If the owner of the device can act on it,
 * the Device shows it.
 */
export class HelloAdmission {
  readonly #admission: Admission;
  readonly #notes: RefusalNotes;
  readonly #log: Logger;
  readonly #refused;

  constructor(options: { keyValues: KeyValues; notes: RefusalNotes; log: Logger; metrics: Metrics }) {
    this.#admission = new Admission(options.keyValues);
    this.#notes = options.notes;
    this.#log = options.log;
    this.#refused = options.metrics.counter("motelet_hellos_refused_total", "Hellos that were refused.", [
      "reason",
    ]);
  }

  /** Whether the owner of the channel is admitted. */
  admits(owner: DeviceFacts, channel: Channel, hello: HelloMessage): boolean {
    const refusal = this.#admission.judge(owner, channel, hello);
    if (refusal) this.#refuse(channel, refusal, owner.key);
    return refusal === undefined;
  }

  /**
   * Refuses a hello on a channel that has no session.
   * @param owner absent: the channel belongs to no served Device; present: there are too many sessions
   */
  turnAway(channel: Channel, owner: DeviceFacts | undefined): void {
    this.#refuse(channel, owner ? "session-table-full" : "no-device", owner?.key);
    channel.send(encodeMessage({ kind: "bye", reason: owner ? ByeReason.busy : ByeReason.refused }));
  }

  #refuse(channel: Channel, reason: HelloRefusal | "no-device", device: string | undefined): void {
    this.#refused.inc({ reason });
    const { carrier, peer, peerAddress } = channel;
    this.#log.warn({ device, link: carrier, peer, code: reason }, "device refused");
    const text = refusalTextOf(reason);
    if (device !== undefined && text) this.#notes.note(device, { code: reason, peer: peerAddress, ...text });
  }
}
