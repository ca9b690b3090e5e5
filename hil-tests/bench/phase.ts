import type { Figure } from "./figure.ts";

/** One measurement of `make bench`, in a process of its own. */
export interface Phase {
  /** After which it is ended, whatever it waits for. */
  readonly deadlineS: number;
  /** Figures as they come: those of before count where it fails. */
  readonly figures: (say: Say) => AsyncIterable<readonly Figure[]> | Iterable<PhaseGroup>;
}

type PhaseGroup = readonly Figure[] | Promise<readonly Figure[]>;

/** Called with what begins, and with its progress. */
export type Say = (what: string) => void;
