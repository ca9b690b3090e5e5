/** A GitHub table. Bars in cells are escaped, line breaks become spaces. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.trim().replaceAll("\n", " ").replaceAll("|", "\\|") || "–").join(" | ")} |\n`;
  return `${line(head)}|${head.map(() => "---|").join("")}\n${rows.map(line).join("")}`;
}

export function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** Puts each table between its marks: `<!-- generated: name -->` and `<!-- end generated -->`. */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  const placed = new Set<string>();
  const result = text.replace(
    /(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- end generated -->)/g,
    (_, open: string, name: string, close: string) => {
      placed.add(name);
      return `${open}${tables[name] ?? ""}${close}`;
    },
  );
  const differing = new Set(Object.keys(tables)).symmetricDifference(placed);
  if (differing.size > 0) throw new Error(`expected one place for each table: ${[...differing].join(", ")}`);
  return result;
}
