import type { KeyValues } from "../store/key-values.ts";

/**
 * What the gateway must not forget of a session, stored before it is used (SPEC §5.5). Ids below `idLimit` may have been
 * used; a gateway that starts again goes on from there.
 */
export interface SessionRecord {
  readonly sid: number;
  readonly boot: number;
  readonly idLimit: number;
  /** The at-most-once request that may be under way. */
  readonly once?: { readonly id: number; readonly op: number };
}

/** Ids that are reserved at a time. */
export const idBlock = 64;

/** The stored records, one a device. */
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
