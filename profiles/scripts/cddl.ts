import { commandRows, type Field, type Fields, messageKinds, reportTypes } from "./tables.ts";

type AnyField = Field<unknown>;

function members(fields: Fields): string[] {
  return Object.entries(fields).map(
    ([name, field]) => `${(field as AnyField).optional ? "? " : ""}${name}: ${(field as AnyField).cddl}`,
  );
}

function group(rule: string, parts: readonly string[]): string {
  return `${rule} = [\n${parts.map((part) => `  ${part},\n`).join("")}]\n\n`;
}

/** Arguments of a report, or what a later version adds to a group. */
const later = "* any-value";

/** The grammar of RFC 8610 for every message and for the arguments and results of every command. */
export function cddl(): string {
  const kinds = Object.entries(messageKinds).map(([name, row]) => {
    const parts = [
      `kind: ${row.number}`,
      ...(name === "report" ? ["seq: u16", "age-ms: u32 / null", "report-body"] : members(row.fields)),
    ];
    if ("keyed" in row) parts.push(`${row.keyed.required ? "" : "? "}keys: ${name}-keys`);
    if (name === "beat") parts.push("? ext: { * uint => any-value }");
    // Elements that a later version adds are skipped (SPEC §3.1); arguments and results are the commands' own.
    if (name !== "report") parts.push(later);
    return group(name, parts);
  });
  const keyed = Object.entries(messageKinds).flatMap(([name, row]) =>
    "keyed" in row
      ? [
          `${name}-keys = {\n${Object.entries(
            row.keyed.fields as Record<string, { key: number; field: AnyField }>,
          )
            .map(([member, { key, field }]) => `  ? ${key} => ${field.cddl}, ; ${member}\n`)
            .join("")}  * uint => any-value,\n}\n\n`,
        ]
      : [],
  );
  const rows = commandRows.map(({ row }) => {
    const results =
      row.name === "log-read"
        ? ["seq: u16", "age-ms: u32 / null", "report-body"]
        : [...members(row.responseFields), later];
    const args = [...members(row.requestFields), later];
    return `; op ${row.op}\n${group(`${row.name}-arguments`, args)}${group(`${row.name}-result`, results)}`;
  });
  const bodies = Object.values(reportTypes).map((row) =>
    [`type: ${row.number}`, ...members(row.fields), later].join(", "),
  );
  return `; Generated from profiles/src by make generate: do not edit.
; Grammar (RFC 8610) of the compact command profile, version 0. The SPEC is normative where prose says more.

message = ${Object.keys(messageKinds).join(" / ")}

u8 = 0..255
u16 = 0..65535
u32 = 0..4294967295
i8 = -128..127
status = 0..16
stream = 1..23
; Absolute, without NUL, and no segment empty, "." or ".." (SPEC §6.11).
path = tstr .size (1..255)

; What SPEC §2.1 allows, its depth apart.
any-value = uint / nint / bstr / tstr / false / true / null / float32 / float64 /
  [* any-value] / { * uint => any-value }

report-body = (
${bodies.map((body) => `  (${body}) //\n`).join("")}  (type: ${bodies.length}..255, ${later})
)

${kinds.join("")}${keyed.join("")}${rows.join("")}`;
}
