/** What each file imports: paths of files, of which those that are not keys do not matter. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Groups of files of which each reaches each other by imports (Tarjan's strongly connected components), and files that
 * import themselves. Members and groups are sorted.
 */
export function importCircles(graph: ImportGraph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const onPath = new Set<string>();
  const circles: string[][] = [];

  function visit(file: string): number {
    const number = order.size;
    order.set(file, number);
    path.push(file);
    onPath.add(file);
    let low = number;
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      const seen = order.get(target);
      if (seen === undefined) low = Math.min(low, visit(target));
      else if (onPath.has(target)) low = Math.min(low, lowest.get(target) ?? seen);
      lowest.set(file, low);
    }
    if (low === number) close(file);
    return low;
  }

  /** All that is on the path since the file is one group. */
  function close(file: string): void {
    const group = path.splice(path.indexOf(file));
    for (const member of group) onPath.delete(member);
    if (group.length > 1 || graph.get(file)?.includes(file)) circles.push(group.sort());
  }

  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles.sort((a, b) => (a[0] ?? "").localeCompare(b[0] ?? ""));
}
