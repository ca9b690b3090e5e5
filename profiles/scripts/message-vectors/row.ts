import type { Message } from "../../src/index.ts";

/** Name, case, section of the SPEC, and the message. */
export type MessageRow = readonly [string, "valid" | "minimum" | "maximum", string, Message];

export const u16 = 0xffff;
export const u32 = 0xffff_ffff;
export const filled = (length: number, byte = 0xff) => new Uint8Array(length).fill(byte);
