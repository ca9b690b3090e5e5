import type { ChainLink, ShellCommand, ShellList, SimpleCommand } from "./script.ts";

/**
 * The commands of a script that get its stdin. Input that a device's command does not read is lost, so only one command
 * may have it: the last one that could read it, and the alternatives that run if that one fails (`a || b`).
 * @param reads whether a program, by its words, could read stdin at all
 */
export function stdinOwners(
  list: ShellList,
  reads: (words: readonly string[]) => boolean,
): ReadonlySet<SimpleCommand> {
  const owners = new Set<SimpleCommand>();
  const readsAny = (command: ShellCommand): boolean =>
    command.kind === "simple"
      ? reads(command.words)
      : command.list.some((chain) => chain.some((link) => readsAny(link.command)));
  const own = (command: ShellCommand): void => {
    if (command.kind === "group") ownLast(command.list);
    else if (reads(command.words)) owners.add(command);
  };
  const ownLast = (chains: ShellList): void => {
    const last = chains.findLast((chain) => chain.some((link) => readsAny(link.command)));
    for (const [index, link] of last?.entries() ?? [])
      if (!last?.slice(index + 1).some((later) => followsSuccess(later) && readsAny(later.command)))
        own(link.command);
  };
  ownLast(list);
  return owners;
}

const followsSuccess = ({ when }: ChainLink) => when === "success";
