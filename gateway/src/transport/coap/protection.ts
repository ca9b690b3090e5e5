import type { WireIdentity } from "../directory.ts";
import type { CoapRefusal } from "./coap-refusal-texts.ts";
import type { CoapMessage, MessageContent } from "./message/codec.ts";
import type { PeerAddress } from "./message/peer.ts";

/** A request whose protection was taken off. */
export interface OpenedRequest {
  readonly kind: "opened";
  /** Code, options and payload as the client meant them. */
  readonly content: MessageContent;
  /** Whom the protection has proved; absent: the request itself has to carry a credential. */
  readonly identity?: WireIdentity;
  /**
   * Protects what goes back. A notification is one of many messages for one request, and needs a number of its own.
   * @returns undefined if the message cannot be protected now, so that it must not be sent
   */
  seal(content: MessageContent, kind: "response" | "notification"): MessageContent | undefined;
}

export type OpenResult =
  | OpenedRequest
  /** The client has to show first that its request is fresh: the response goes out as it is. */
  | { readonly kind: "challenged"; readonly response: MessageContent }
  /** The request was not accepted. The response, if there is one, goes out as it is. */
  | {
      readonly kind: "refused";
      readonly reason: CoapRefusal;
      readonly response?: MessageContent;
      /** What the client showed as an identity, proved or not; several if nobody knows which of them it is. */
      readonly names?: readonly string[];
    }
  /** The request cannot be judged now. There is no reply, and its retransmission is a new request. */
  | { readonly kind: "postponed" };

/**
 * How the messages of a listener are protected, below the resources and above the message layer. Tokens, message ids and
 * types are not its business. It sees each request once, after duplicates were removed.
 */
export interface MessageProtection extends Partial<Disposable> {
  open(message: CoapMessage, peer: PeerAddress): OpenResult;
  /** To be called before the first message. */
  start?(): void;
  /** The channel of a proved identity is closed. */
  left?(identity: WireIdentity): void;
}
