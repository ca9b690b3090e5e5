import { UnavailableError } from "./foundation/errors.ts";
import type { Reservation, SequenceBlocks } from "./transport/directory.ts";

/** Sequence blocks for transports, which are built before there is a client for the cluster, and start after it. */
export class LateSequenceBlocks implements SequenceBlocks {
  #blocks: SequenceBlocks | undefined;

  use(blocks: SequenceBlocks): void {
    this.#blocks = blocks;
  }

  async reserve(...asked: Parameters<SequenceBlocks["reserve"]>): Promise<Reservation> {
    if (this.#blocks) return this.#blocks.reserve(...asked);
    throw new UnavailableError(
      "NO_CLUSTER",
      "sequence numbers were asked for before the API server answered",
    );
  }
}
