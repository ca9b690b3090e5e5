import type { Block } from "./block.ts";

export interface AssemblyLimits {
  /** Longest body, bytes. */
  readonly bodyBytes: number;
  /** Bodies that are incomplete at a time, over all peers. */
  readonly bodies: number;
  /** How long an incomplete body is kept after its last block, milliseconds. */
  readonly lifetimeMs: number;
}

export type AssemblyResult =
  /** The body is whole. */
  | { readonly state: "complete"; readonly body: Uint8Array }
  /** 2.31 Continue. */
  | { readonly state: "continue" }
  /** 4.08: a block is missing before this one. */
  | { readonly state: "incomplete" }
  /** 4.13: the body is longer than allowed. */
  | { readonly state: "too-large" }
  /** 5.03: too many bodies are incomplete. */
  | { readonly state: "full" };

interface Body {
  readonly parts: Uint8Array[];
  bytes: number;
  touchedMs: number;
}

/**
 * Puts bodies together that come in blocks (Block1, RFC 7959 §2.5). A body is named by its key: the peer, the resource and
 * the Request-Tag, so that the blocks of two requests are never mixed (RFC 9175 §3.3). A first block begins the body again.
 */
export class BlockAssembly {
  readonly #limits: AssemblyLimits;
  readonly #bodies = new Map<string, Body>();

  constructor(limits: AssemblyLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#bodies.size;
  }

  take(key: string, block: Block, payload: Uint8Array, nowMs: number): AssemblyResult {
    this.#expire(nowMs);
    if (block.number === 0) this.#bodies.delete(key);
    const body = this.#bodies.get(key) ?? { parts: [], bytes: 0, touchedMs: nowMs };
    // Only the last block may be short.
    const fits = payload.length <= block.size && (!block.more || payload.length === block.size);
    if (block.number * block.size !== body.bytes || !fits) return { state: "incomplete" };
    if (body.bytes + payload.length > this.#limits.bodyBytes) {
      this.#bodies.delete(key);
      return { state: "too-large" };
    }
    body.parts.push(payload);
    body.bytes += payload.length;
    body.touchedMs = nowMs;
    if (!block.more) {
      this.#bodies.delete(key);
      return { state: "complete", body: Buffer.concat(body.parts) };
    }
    if (!this.#bodies.has(key) && this.#bodies.size >= this.#limits.bodies) return { state: "full" };
    // The newest are at the end, so that expiry can stop early.
    this.#bodies.delete(key);
    this.#bodies.set(key, body);
    return { state: "continue" };
  }

  #expire(nowMs: number): void {
    for (const [key, body] of this.#bodies) {
      if (nowMs - body.touchedMs <= this.#limits.lifetimeMs) return;
      this.#bodies.delete(key);
    }
  }
}
