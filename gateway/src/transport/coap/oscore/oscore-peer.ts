import type { WireIdentity } from "../../directory.ts";
import { ReplayWindow } from "./replay-window.ts";
import type { SecurityContext } from "./security-context.ts";
import type { SequenceRefusal } from "./sequence-reservation.ts";

/** Gives sender sequence numbers, each one once, whatever restarts in between. */
export interface SequenceSource {
  /** @returns undefined if there is none now; the caller sends nothing that needs one */
  take(): number | undefined;
  /** Settles when there is a number again. */
  readonly ready: Promise<void>;
  /** Why there will be none any more. */
  readonly refusal?: SequenceRefusal | undefined;
}

/** One generation of a device's identity, and what was received under it. */
export class OscorePeer {
  readonly identity: WireIdentity;
  readonly context: SecurityContext;
  sequence: SequenceSource;
  /** What the device has to repeat to prove that a request is fresh: made with the first challenge, gone with its answer. */
  echo: Uint8Array | undefined;
  #window = new ReplayWindow();
  #challenged = new ReplayWindow();

  constructor(identity: WireIdentity, context: SecurityContext, sequence: SequenceSource) {
    this.identity = identity;
    this.context = context;
    this.sequence = sequence;
  }

  get verified(): boolean {
    return this.#window.verified;
  }

  /**
   * Whether a request with this number may be looked at. Before the window is verified each number is challenged once: the
   * numbers that somebody has recorded are lower than the device's next one, so repeating them uses up neither sequence numbers nor
   * the device's chance.
   */
  isNew(sequence: number): boolean {
    return (this.verified ? this.#window : this.#challenged).isNew(sequence);
  }

  accept(sequence: number): void {
    (this.verified ? this.#window : this.#challenged).accept(sequence);
  }

  verify(sequence: number): void {
    this.#window.verify(sequence);
    this.echo = undefined;
  }

  /** The device was served by another gateway meanwhile, which has accepted requests that this one knows nothing of. */
  unverify(): void {
    this.#window = new ReplayWindow();
    this.#challenged = new ReplayWindow();
    this.echo = undefined;
  }
}
