import { UnavailableError } from "../foundation/errors.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../kubeapi/errors.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import {
  newOscoreSequence,
  type OscoreSequence,
  oscoreSequenceName,
  oscoreSequencesPath,
  reserveSequence,
  type SequenceClaim,
  type SequenceOutcome,
} from "../resources/oscore-sequence.ts";

/** Gateways that want a block of one key at the same time: a handful, for a device that roams. */
const maxAttempts = 10;

/** Reserves OSCORE sequence numbers in API objects, by compare-and-set. */
export class SequenceBlocks {
  readonly #kube: Pick<KubeClient, "get" | "create" | "replace">;

  constructor(kube: Pick<KubeClient, "get" | "create" | "replace">) {
    this.#kube = kube;
  }

  /**
   * @param above the caller knows that numbers up to this one are reserved
   * @throws KubeApiError, UnavailableError if nothing could be reserved now; a block may be reserved all the same, and is lost
   */
  async reserve(claim: SequenceClaim, above: number, signal: AbortSignal): Promise<SequenceOutcome> {
    const path = `${oscoreSequencesPath}/${oscoreSequenceName(claim)}`;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      // Read again each time: an answer that was lost may have reserved a block.
      const record = await this.#read(path, claim, signal);
      if (!record) continue;
      const { outcome, write } = reserveSequence(record, claim, above);
      if (!write || (await this.#replaced(path, write, signal))) return outcome;
    }
    const message = `${path} was written by others ${maxAttempts} times in a row: no block was reserved`;
    throw new UnavailableError("SEQUENCE_CONTENDED", message);
  }

  /** @returns undefined if another gateway creates it at this moment */
  async #read(path: string, claim: SequenceClaim, signal: AbortSignal): Promise<OscoreSequence | undefined> {
    try {
      return await this.#kube.get<OscoreSequence>(path, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      return await this.#kube.create<OscoreSequence>(oscoreSequencesPath, newOscoreSequence(claim), {
        signal,
      });
    } catch (error) {
      if (isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  async #replaced(path: string, record: OscoreSequence, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#kube.replace(path, record, { signal });
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }
}
