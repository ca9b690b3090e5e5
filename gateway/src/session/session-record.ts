import type { KeyValues } from "../store/key-values.ts";

/**
 * The part of a session that must survive the gateway, stored before it is used (SPEC §5.5). Ids below `idLimit` may
 * have been used; a restarted gateway continues from there.
 */
export interface SessionRecord {
  readonly sid: number;
  readonly boot: number;
  readonly idLimit: number;
  /** The at-most-once request that may be in flight. */
  readonly once?: { readonly id: number; readonly op: number };
}

/** Number of ids that are reserved at once. */
export const idBlock = 64;

/** The stored records, one per device. */
export class SessionRecords {
  readonly #keyValues: KeyValues;

  constructor(keyValues: KeyValues) {
    this.#keyValues = keyValues;
  }

  get(device: string): SessionRecord | undefined {
    return this.#keyValues.get(`session/${device}`) as SessionRecord | undefined;
  }

  put(device: string, record: SessionRecord): Promise<void> {
    return this.#keyValues.put(`session/${device}`, record);
  }
}
