import { createHash } from "node:crypto";
import type { CoapLimits } from "./coap-limits.ts";
import { type Block, blockOption, blockSizes, parseBlock, sliceBlock } from "./message/block.ts";
import { BlockAssembly } from "./message/block-assembly.ts";
import { content, encodedLength, type MessageContent } from "./message/codec.ts";
import { Code, codeClass } from "./message/codes.ts";
import { Option, uintOption } from "./message/options.ts";
import type { Peer } from "./message/peer.ts";
import { type CoapRequest, type Handler, problem } from "./resources/resource.ts";

type Reply = MessageContent | undefined;

/** Bytes that the protection of a message may add to it: an OSCORE option and the tag. */
const protectionBytes = 32;

/**
 * Block-wise transfer for the resources that people use (RFC 7959). Bodies of requests are put together under limits; bodies
 * of responses are divided into blocks that the client and the budget of its address allow. A client whose address is not
 * verified, and whose budget is too small for the smallest block, first has to return an Echo value (RFC 9175 §2.4).
 */
export class Blockwise {
  readonly #bodies: BlockAssembly;
  readonly #nowMs: () => number;
  readonly #demandEcho: (peer: Peer) => MessageContent;

  constructor(options: {
    limits: CoapLimits;
    nowMs: () => number;
    /** The response that asks a client to prove its address first (RFC 9175 §2.4). */
    demandEcho: (peer: Peer) => MessageContent;
  }) {
    const { bodyBytes, bodies, bodyLifetimeMs } = options.limits;
    this.#bodies = new BlockAssembly({ bodyBytes, bodies, lifetimeMs: bodyLifetimeMs });
    this.#nowMs = options.nowMs;
    this.#demandEcho = options.demandEcho;
  }

  handle(request: CoapRequest, path: string, handler: Handler): Reply | Promise<Reply> {
    const block1 = parseBlock(request.options, Option.block1);
    const block2 = parseBlock(request.options, Option.block2);
    if (block1 === "invalid" || block2 === "invalid")
      return problem(Code.badOption, "a block has 16 to 1,024 bytes: size 7 is reserved");
    const taken = block1 && this.#take(request, path, block1);
    if (taken && "code" in taken) return taken;
    const whole = taken ? { ...request, payload: taken.body } : request;
    const finish = (response: Reply) => response && this.#divide(request, response, block1, block2);
    const response = handler(whole);
    return response instanceof Promise ? response.then(finish) : finish(response);
  }

  #take(request: CoapRequest, path: string, block: Block): { readonly body: Uint8Array } | MessageContent {
    const tags = request.options.filter(({ number }) => number === Option.requestTag);
    const tag = tags.map(({ value }) => Buffer.from(value).toString("hex")).join(",");
    const key = [request.peer.name, request.code, path, tags.length, tag].join(" ");
    const result = this.#bodies.take(key, block, request.payload, this.#nowMs());
    const options = [blockOption(Option.block1, block)];
    switch (result.state) {
      case "complete":
        return { body: result.body };
      case "continue":
        return content(Code.continue, undefined, options);
      case "incomplete":
        return problem(Code.requestEntityIncomplete, "a block before this one is missing", options);
      case "too-large":
        return problem(Code.requestEntityTooLarge, "the body is longer than the gateway accepts", options);
      case "full":
        return problem(Code.serviceUnavailable, "too many requests in blocks are incomplete: try again", [
          uintOption(Option.maxAge, 5),
        ]);
    }
  }

  #divide(
    request: CoapRequest,
    response: MessageContent,
    block1: Block | undefined,
    block2: Block | undefined,
  ): MessageContent {
    const { peer, identity, tokenBytes } = request;
    const acknowledged = block1 ? [blockOption(Option.block1, { ...block1, more: false })] : [];
    const whole = { ...response, options: [...response.options, ...acknowledged] };
    if (codeClass(response.code) !== 2) return whole;
    const { payload } = whole;
    const budget = peer.budget.availableBytes - (identity ? protectionBytes : 0);
    const fits = (reply: MessageContent) => encodedLength(reply, tokenBytes) <= budget;
    if (!block2 && payload.length <= blockSizes[0] && fits(whole)) return whole;
    const number = block2?.number ?? 0;
    // A client and the gateway may make blocks smaller with the first one only (RFC 7959 §2.4).
    const sizes = blockSizes.filter((size) =>
      number > 0 ? size === block2?.size : size <= (block2?.size ?? blockSizes[0]),
    );
    for (const size of sizes) {
      const reply = oneBlock(whole, number, size);
      if (!reply) return problem(Code.badRequest, "the body ends before this block");
      if (fits(reply)) return reply;
    }
    return this.#demandEcho(peer);
  }
}

/** @returns undefined if the body ends before the block */
function oneBlock(response: MessageContent, number: number, size: number): MessageContent | undefined {
  const sliced = sliceBlock(response.payload, { number, size });
  if (!sliced) return undefined;
  // The client sees by it that the body has changed between two blocks.
  const etag = createHash("sha256").update(response.payload).digest().subarray(0, 4);
  const options = [
    ...response.options,
    { number: Option.etag, value: etag },
    blockOption(Option.block2, sliced.block),
    ...(number === 0 ? [uintOption(Option.size2, response.payload.length)] : []),
  ];
  return { code: response.code, options, payload: sliced.payload };
}
