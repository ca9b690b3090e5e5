import { type CoapOption, optionUint, uintOption } from "./options.ts";

/** A Block1 or Block2 option (RFC 7959 §2.2). */
export interface Block {
  readonly number: number;
  readonly more: boolean;
  /** Bytes of a block: 16, 32 … 1,024. */
  readonly size: number;
}

/** @returns undefined if the option is absent, "invalid" if its size is the reserved one */
export function parseBlock(options: readonly CoapOption[], number: number): Block | "invalid" | undefined {
  const value = optionUint(options, number);
  if (value === undefined) return undefined;
  const exponent = value & 7;
  if (exponent === 7) return "invalid";
  return { number: value >>> 4, more: (value & 8) !== 0, size: 16 << exponent };
}

export function blockOption(number: number, block: Block): CoapOption {
  const exponent = Math.log2(block.size) - 4;
  return uintOption(number, block.number * 16 + (block.more ? 8 : 0) + exponent);
}

/** Sizes of blocks, the largest first. */
export const blockSizes = [1_024, 512, 256, 128, 64, 32, 16] as const;

/** One block of a body. @returns undefined if the body ends before the block */
export function sliceBlock(
  body: Uint8Array,
  block: Pick<Block, "number" | "size">,
): { readonly payload: Uint8Array; readonly block: Block } | undefined {
  const start = block.number * block.size;
  if (start > 0 && start >= body.length) return undefined;
  const end = start + block.size;
  return { payload: body.subarray(start, end), block: { ...block, more: end < body.length } };
}
