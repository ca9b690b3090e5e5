/** The target of a descriptor: nowhere, or the target of another one at that point. */
export interface Redirection {
  readonly descriptor: 0 | 1 | 2;
  readonly to: "null" | 1 | 2;
}

/** A program with its arguments, or only assignments (no words). */
export interface SimpleCommand {
  readonly kind: "simple";
  readonly words: readonly string[];
  readonly redirections: readonly Redirection[];
}

/** `( … )`, in which `exit` ends only the group, or `{ …; }`. */
export interface CommandGroup {
  readonly kind: "group";
  readonly isSubshell: boolean;
  readonly list: ShellList;
  readonly redirections: readonly Redirection[];
}

export type ShellCommand = SimpleCommand | CommandGroup;

/** A command of a chain, with the condition on the previous one. */
export interface ChainLink {
  /** For the first one of a chain, or after `;`: always. */
  readonly when: "always" | "success" | "failure";
  readonly isNegated: boolean;
  readonly command: ShellCommand;
}

/** Chains of `&&` and `||`, one after the other. */
export type ShellList = readonly (readonly ChainLink[])[];

/** A script that cannot run, with the reason. */
export interface ScriptRefusal {
  readonly reason: string;
  /** From 1. */
  readonly line: number;
  /** More lines could complete it. */
  readonly isIncomplete: boolean;
}
