import type { CborValue } from "../cbor.ts";
import { decodePositional, nullable, u8, u16, u32 } from "../fields.ts";
import { decodeReportBody, encodeReportBody, type ReportBody } from "../report-body.ts";
import { type CommandRow, command } from "./row.ts";

const logReadFields = { seq: u16, ageMs: nullable(u32), type: u8 };

/** The stored report that log-read found. */
export interface LogReadResult {
  readonly seq: number;
  readonly ageMs: number | null;
  readonly body: ReportBody;
}

export const logRead: CommandRow<{ readonly from: number }, LogReadResult> = {
  ...command({
    op: 8,
    name: "log-read",
    summary: "the stored report at `from`, or the oldest after it",
    effect: "none",
    capability: "log-read",
    request: { from: u16 },
    response: logReadFields,
  }),
  encodeResult(result) {
    const [type, ...body] = encodeReportBody(result.body, "log-read result");
    return [result.seq, result.ageMs, type as CborValue, ...body];
  },
  decodeResult(values) {
    const { shape } = decodePositional(logReadFields, values.slice(0, 3), "log-read result");
    const { body } = decodeReportBody(shape.type, values.slice(3), "log-read result");
    return { seq: shape.seq, ageMs: shape.ageMs, body };
  },
};
