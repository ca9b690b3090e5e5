import type { WireIdentity } from "../../directory.ts";
import { content, type MessageContent } from "../message/codec.ts";
import type { Observation, ObservationEnd } from "../message/observation.ts";
import type { CoapOption } from "../message/options.ts";
import type { Peer } from "../message/peer.ts";

/** A request as a resource sees it: without protection, and whole. */
export interface CoapRequest {
  readonly peer: Peer;
  readonly messageId: number;
  readonly tokenBytes: number;
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
  /** Whom the protection has proved. */
  readonly identity: WireIdentity | undefined;
  /**
   * Begins an observation by this client.
   * @returns undefined if it, or the gateway, has too many of them
   */
  observe(onEnded: (why: ObservationEnd) => void): Observation | undefined;
}

export type Handler = (
  request: CoapRequest,
) => MessageContent | undefined | Promise<MessageContent | undefined>;

export interface Resource {
  /** Segments of the path without the first slash, such as `.well-known/core`. */
  readonly path: string;
  /** Attributes in link format (RFC 6690), such as `;rt="motelet.time"`. */
  readonly attributes: string;
  /** By code of the request. */
  readonly methods: Readonly<Record<number, Handler>>;
  /** Whether requests and responses may be divided into blocks (RFC 7959). */
  readonly isBlockwise: boolean;
}

/** A response that tells a person what is wrong (RFC 7252 §5.5.2). */
export function problem(code: number, text: string, options: readonly CoapOption[] = []): MessageContent {
  return content(code, Buffer.from(text), options);
}
