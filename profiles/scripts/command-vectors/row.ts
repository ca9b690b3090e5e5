import type { CborValue, CommandName } from "../../src/index.ts";

type Case = "valid" | "minimum" | "maximum" | "skipping" | "invalid";
type Code = "MESSAGE_FIELD" | "MESSAGE_MISSING";
/** Name, command, case, the elements on the wire, and what they mean or why they are refused. */
export type Row = readonly [string, CommandName, Case, readonly CborValue[], object | Code];

export const u8 = 0xff;
export const u16 = 0xffff;
export const u32 = 0xffff_ffff;
export const text = (length: number) => "t".repeat(length);
/** A result that is one map. */
export const map = (entries: readonly (readonly [number, CborValue])[]) => [new Map(entries)];
