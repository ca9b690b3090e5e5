import {
  Capability,
  commands,
  defaults,
  type Field,
  type Fields,
  limits,
  messageKinds,
  statusTable,
} from "./tables.ts";

type AnyField = Field<unknown>;

/** `id u16, op u8, args…?` */
function shape(fields: Fields): string {
  return Object.entries(fields)
    .map(
      ([name, field]) =>
        `${(field as AnyField).optional ? "? " : ""}${name} ${(field as AnyField).cddl.replaceAll("|", "\\|")}`,
    )
    .join(", ");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

/** Worst size of a message without open-ended parts: head, kind, fields, map. */
function maxBytes(row: (typeof messageKinds)[keyof typeof messageKinds]): string {
  const fields = Object.values(row.fields) as AnyField[];
  let sum = 2 + fields.reduce((bytes, field) => bytes + field.maxBytes, 0);
  if ("keyed" in row) {
    const keyed = Object.values(row.keyed.fields) as { key: number; field: AnyField }[];
    sum += 1 + keyed.reduce((bytes, { field }) => bytes + 1 + field.maxBytes, 0);
  }
  if ("rest" in row) return `${sum} + ${row.rest}`;
  return sum > limits.messageBytes ? "M" : String(sum);
}

function messages(): string {
  return table(
    ["kind", "name", "direction", "elements after the kind", "max"],
    Object.entries(messageKinds).map(([name, row]) => {
      const map = "keyed" in row ? `, ${row.keyed.required ? "" : "? "}{keys}` : "";
      const rest = "rest" in row ? `, ${row.rest}…` : "";
      const ext = name === "beat" ? ", ? {ext}" : "";
      return [row.number, name, row.direction, `${shape(row.fields)}${map}${rest}${ext}`, maxBytes(row)];
    }),
  );
}

function commandTable(): string {
  return table(
    ["op", "name", "arguments", "results", "effect", "deadline ms", "capability", "what it does"],
    Object.values(commands).map((row) => [
      row.op,
      row.name,
      shape(row.requestFields) || "–",
      `${(shape(row.responseFields) || "–").replaceAll(/\n\s*/g, " ")}${row.name === "log-read" ? ", body…" : ""}`.replace(
        /info \{.*\}/,
        "{keys} (§6.2)",
      ),
      row.effect,
      row.deadlineMs,
      row.capability ?? "–",
      row.summary,
    ]),
  );
}

const tables: Readonly<Record<string, () => string>> = {
  messages,
  commands: commandTable,
  status: () =>
    table(
      ["code", "name", "CoAP", "HTTP", "reason", "exit code"],
      statusTable.map((row) => [row.code, row.name, row.coap, row.http, row.reason, row.exitCode]),
    ),
  limits: () =>
    table(["limit", "value"], Object.entries(limits)) +
    "\n" +
    table(["default", "value"], Object.entries(defaults)),
  capabilities: () =>
    table(
      ["bit", "capability"],
      Object.entries(Capability).map(([name, mask]) => [Math.log2(mask), name]),
    ),
};

/** A table of the SPEC by the name in its marker. */
export function specTables(name: string): string {
  const make = tables[name];
  if (!make)
    throw new Error(`SPEC.md asks for a table "${name}": expected one of ${Object.keys(tables).join(", ")}`);
  return make();
}
