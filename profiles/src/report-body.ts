import type { CborValue } from "./cbor.ts";
import { any, decodePositional, encodePositional, type Fields, integer, text, u16 } from "./fields.ts";
import { limits } from "./limits.ts";

/** The content of a report (SPEC §3.2, §5.6). */
export type ReportBody =
  | { readonly type: "gap"; readonly count: number }
  | { readonly type: "log"; readonly token: number; readonly args: readonly CborValue[] }
  | { readonly type: "text"; readonly level: number; readonly text: string }
  | { readonly type: "property"; readonly key: number; readonly value: CborValue }
  | { readonly type: "event"; readonly code: number; readonly args: readonly CborValue[] }
  | { readonly type: "unknown"; readonly number: number; readonly body: readonly CborValue[] };

const gapFields = { count: integer(1, 0x7fff) };
const logFields = { token: u16 };
const textFields = { level: integer(0, 3), text: text(limits.messageBytes) };
const propertyFields = { key: u16, value: any };
const eventFields = { code: u16 };

/** The types of report: number, fields, and whether further elements are arguments. */
export const reportTypes = {
  gap: { number: 0, fields: gapFields, args: false },
  log: { number: 1, fields: logFields, args: true },
  text: { number: 2, fields: textFields, args: false },
  property: { number: 3, fields: propertyFields, args: false },
  event: { number: 4, fields: eventFields, args: true },
} as const;
const reportTypeNames = Object.keys(reportTypes) as (keyof typeof reportTypes)[];

/** `[type, body…]` of a report, as in report messages and in log-read's result. */
export function encodeReportBody(body: ReportBody, where: string): CborValue[] {
  switch (body.type) {
    case "unknown":
      return [body.number, ...body.body];
    case "gap":
      return [0, ...encodePositional(gapFields, body, where)];
    case "log":
      return [1, ...encodePositional(logFields, body, where), ...body.args];
    case "text":
      return [2, ...encodePositional(textFields, body, where)];
    case "property":
      return [3, ...encodePositional(propertyFields, body, where)];
    case "event":
      return [4, ...encodePositional(eventFields, body, where), ...body.args];
  }
}

/** Reads `[type, body…]`. */
export function decodeReportBody(
  number: number,
  values: readonly CborValue[],
  where: string,
): { body: ReportBody; skipped: number } {
  const type = reportTypeNames[number];
  if (type === undefined) return { body: { type: "unknown", number, body: values }, skipped: 0 };
  const row = reportTypes[type];
  const { shape, skipped } = decodePositional(row.fields as Fields, values, `${where}.${type}`);
  const args = row.args ? { args: values.slice(1) } : {};
  return { body: { type, ...(shape as object), ...args } as ReportBody, skipped: row.args ? 0 : skipped };
}
