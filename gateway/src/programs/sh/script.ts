/** Where a descriptor leads: nowhere, or where another one leads at that point. */
export interface Redirection {
  readonly descriptor: 0 | 1 | 2;
  readonly to: "null" | 1 | 2;
}

/** A program with its words, or assignments alone (no words). */
export interface SimpleCommand {
  readonly kind: "simple";
  readonly words: readonly string[];
  readonly redirections: readonly Redirection[];
}

/** `( … )`, whose `exit` ends it alone, or `{ …; }`. */
export interface CommandGroup {
  readonly kind: "group";
  readonly isSubshell: boolean;
  readonly list: ShellList;
  readonly redirections: readonly Redirection[];
}

export type ShellCommand = SimpleCommand | CommandGroup;

/** A command of a chain, and what the one before it must have done. */
export interface ChainLink {
  /** Of the first one of a chain: `;`, always. */
  readonly when: "always" | "success" | "failure";
  readonly isNegated: boolean;
  readonly command: ShellCommand;
}

/** Chains of `&&` and `||`, one after the other. */
export type ShellList = readonly (readonly ChainLink[])[];

/** What cannot be run, and why. */
export interface ScriptRefusal {
  readonly reason: string;
  /** From 1. */
  readonly line: number;
  /** More lines would make it whole. */
  readonly isIncomplete: boolean;
}
