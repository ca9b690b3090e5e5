import {
  ByeReason,
  Capability,
  commandRows,
  defaults,
  ExecControl,
  ExecFlag,
  type Field,
  type Fields,
  FileType,
  LogLevel,
  limits,
  messageKinds,
  ResetCause,
  reportTypes,
  statusTable,
  TaskState,
} from "./tables.ts";

type AnyField = Field<unknown>;

/** The grammar of a field without what §3.1 says of all arrays. */
const plain = (cddl: string) =>
  cddl.replaceAll(", * any-value", "").replaceAll("any-value", "any value").replaceAll("|", "\\|");

/** `id u16, op u8, args…?` */
function shape(fields: Fields): string {
  return Object.entries(fields)
    .map(
      ([name, field]) =>
        `${(field as AnyField).optional ? "? " : ""}${name} ${plain((field as AnyField).cddl)}`,
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
    commandRows.map(({ row }) => [
      row.op,
      row.name,
      shape(row.requestFields) || "–",
      `${(shape(row.responseFields) || "–").replaceAll(/\n\s*/g, " ")}${row.name === "log-read" ? ", body…" : ""}`.replace(
        /(?:info|device) \{.*?\}/,
        `{keys} (§${row.name === "info" ? "6.2" : "6.9"})`,
      ),
      row.effect,
      row.deadlineMs,
      row.capability ?? "–",
      row.summary,
    ]),
  );
}

/** What the numbers of the small tables mean; a new one does not compile without its words. */
const byeMeaning: Readonly<Record<keyof typeof ByeReason, readonly [string, string]>> = {
  closing: ["any", "the sender goes away"],
  noSession: ["G>D", "NO_SESSION: say hello"],
  refused: ["G>D", "the device is not wanted"],
  sleeping: ["D>G", "the device sleeps"],
  superseded: ["G>D", "the session lives on another channel"],
  busy: ["G>D", "no room now"],
};
const reportMeaning: Readonly<Record<keyof typeof reportTypes, string>> = {
  gap: "`count` reports are lost (§5.6)",
  log: "a log line as the token of its format and its arguments",
  text: "a line of text",
  property: "the value of a property",
  event: "something that happened, with its arguments",
};
const flagMeaning: Readonly<Record<keyof typeof ExecFlag, string>> = {
  stdin: "stdin follows as data on `stream`; without it stdin has ended from the start",
  tty: "a terminal is wanted",
};
const controlMeaning: Readonly<Record<keyof typeof ExecControl, readonly [string, string]>> = {
  signal: [`the POSIX number, 1–${limits.signal}`, "–"],
  resize: ["columns", "rows; absent: as they were"],
};

const byNumber = (words: Readonly<Record<string, number>>, number: string, name: string) =>
  table(
    [number, name],
    Object.entries(words).map(([word, value]) => [value, spaced(word)]),
  );

/** `wakeFromSleep` → `wake from sleep` */
const spaced = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const tables: Readonly<Record<string, () => string>> = {
  messages,
  byes: () =>
    table(
      ["reason", "name", "direction", "meaning"],
      Object.entries(ByeReason).map(([name, number]) => [
        number,
        spaced(name),
        ...byeMeaning[name as keyof typeof ByeReason],
      ]),
    ),
  resets: () => byNumber(ResetCause, "resetCause", "by"),
  reports: () =>
    table(
      ["type", "name", "elements after the type", "meaning"],
      Object.entries(reportTypes).map(([name, row]) => [
        row.number,
        name,
        `${shape(row.fields)}${row.args ? ", args…" : ""}`,
        reportMeaning[name as keyof typeof reportTypes],
      ]),
    ),
  levels: () => byNumber(LogLevel, "level", "name"),
  flags: () =>
    table(
      ["flag", "name", "meaning"],
      Object.entries(ExecFlag).map(([name, bit]) => [bit, name, flagMeaning[name as keyof typeof ExecFlag]]),
    ),
  controls: () =>
    table(
      ["control", "name", "value", "value2"],
      Object.entries(ExecControl).map(([name, number]) => [
        number,
        name,
        ...controlMeaning[name as keyof typeof ExecControl],
      ]),
    ),
  tasks: () => byNumber(TaskState, "state", "task is"),
  filetypes: () => byNumber(FileType, "type", "is a"),
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
