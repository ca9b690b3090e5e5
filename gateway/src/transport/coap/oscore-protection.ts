import { randomBytes } from "node:crypto";
import type { Counter } from "prom-client";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { KeyValues } from "../../store/key-values.ts";
import type { KeyDirectory, SequenceBlocks, WireIdentity } from "../directory.ts";
import type { CoapRefusal } from "./coap-refusal-texts.ts";
import { type CoapMessage, content, type MessageContent } from "./message/codec.ts";
import { Option, optionValue } from "./message/options.ts";
import type { PeerAddress } from "./message/peer.ts";
import type * as oscore from "./oscore/coap-message.ts";
import { type OscoreFault, oscoreFaults } from "./oscore/faults.ts";
import { OscoreEndpoint, type OscoreExchange } from "./oscore/oscore-endpoint.ts";
import { decodeOscoreOption } from "./oscore/oscore-option.ts";
import type { OscorePeer } from "./oscore/oscore-peer.ts";
import { PeerTable } from "./oscore/peer-table.ts";
import { SequenceSources } from "./oscore/sequence-sources.ts";
import { UnservedKids } from "./oscore/unserved-kids.ts";
import type { MessageProtection, OpenResult } from "./protection.ts";

export interface OscoreProtectionOptions {
  readonly keys: KeyDirectory;
  /** Sequence numbers of the gateway are reserved there. */
  readonly sequences: SequenceBlocks;
  /** What is left of a reservation is kept there. */
  readonly keyValues: Pick<KeyValues, "get" | "put">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Judges messages without OSCORE. */
  readonly plain: MessageProtection;
}

/** How a fault is counted and called; `not-protected` does not come here. */
const reasons = {
  "not-protected": "insecure",
  malformed: "oscore-malformed",
  "unknown-context": "unknown-kid",
  replayed: "replayed",
  undecryptable: "wrong-key",
} as const satisfies Readonly<Record<OscoreFault, CoapRefusal>>;

/**
 * OSCORE (RFC 8613, SPEC §10.4) for the messages that have its option. The key that opens a request proves the identity.
 * Keys follow the Devices from `start` on.
 */
export class OscoreProtection implements MessageProtection, Disposable {
  readonly #options: OscoreProtectionOptions;
  readonly #sources: SequenceSources;
  readonly #peers: PeerTable;
  readonly #endpoint: OscoreEndpoint;
  readonly #unserved = new UnservedKids();
  readonly #challenges: Counter;
  readonly #retired: Counter<"reason">;
  #unsubscribe: (() => void) | undefined;

  constructor(options: OscoreProtectionOptions) {
    this.#options = options;
    const { sequences: blocks, keyValues, clock, metrics, log } = options;
    this.#challenges = metrics.counter(
      "motelet_oscore_challenges_total",
      "Requests whose sender had to prove by Echo that they were fresh",
    );
    this.#retired = metrics.counter(
      "motelet_oscore_retired_keys_total",
      "OSCORE keys whose sequence numbers must not be used any more",
      ["reason"],
    );
    this.#sources = new SequenceSources({
      blocks,
      keyValues,
      clock,
      random: Math.random,
      onRefused: ({ wireId, generation }, reason) => {
        this.#retired.inc({ reason });
        log.error({ userName: `${wireId}.${generation}`, code: reason }, "oscore key must be replaced");
      },
    });
    this.#peers = new PeerTable((...key) => this.#sources.of(...key));
    this.#endpoint = new OscoreEndpoint(this.#peers, { randomBytes });
  }

  start(): void {
    this.#unsubscribe = this.#peers.follow(this.#options.keys, (wireId, generations, unusable) =>
      this.#unserved.set(wireId, generations, unusable),
    );
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.#sources[Symbol.dispose]();
  }

  /** Another gateway may serve the device from now on, and accept requests that this one does not know. */
  left({ wireId, generation }: WireIdentity): void {
    for (const peer of this.#peers.ofWireId(wireId))
      if (peer.identity.generation === generation) peer.unverify();
  }

  open(message: CoapMessage, from: PeerAddress): OpenResult {
    if (!optionValue(message.options, Option.oscore)) return this.#options.plain.open(message, from);
    const received = this.#endpoint.receive(toOscore(message));
    switch (received.kind) {
      case "request": {
        const { exchange } = received;
        if (exchange.peer.sequence.refusal) return retired(exchange.peer);
        return {
          kind: "opened",
          content: fromOscore(received.message),
          identity: exchange.peer.identity,
          seal: (plain) => this.#seal(exchange, plain),
        };
      }
      case "challenge":
        this.#challenges.inc();
        return { kind: "challenged", response: fromOscore(received.response) };
      case "waiting":
        return received.peer.sequence.refusal ? retired(received.peer) : { kind: "postponed" };
      case "refused":
        return this.#refuse(received.fault, message);
    }
  }

  #seal(exchange: OscoreExchange, plain: MessageContent): MessageContent | undefined {
    const sealed = this.#endpoint.respond(exchange, toOscore(plain));
    return sealed && fromOscore(sealed);
  }

  #refuse(fault: OscoreFault, { options }: CoapMessage): OpenResult {
    const kid = decodeOscoreOption(optionValue(options, Option.oscore) ?? new Uint8Array(0))?.kid;
    const response = plainResponse(fault);
    if (kid && fault === "undecryptable") {
      const names = this.#peers.find(kid, undefined).map(({ identity }) => nameOf(identity));
      return { kind: "refused", reason: "wrong-key", response, names };
    }
    const unserved = kid && fault === "unknown-context" ? this.#unserved.find(kid) : undefined;
    const reason = unserved?.reason ?? reasons[fault];
    return { kind: "refused", reason, response, names: unserved?.identities.map(nameOf) ?? [] };
  }
}

/** No number may be used under this key, so that nothing can be protected. */
function retired({ identity }: OscorePeer): OpenResult {
  const response = plainResponse("unknown-context");
  return { kind: "refused", reason: "retired-key", response, names: [nameOf(identity)] };
}

function plainResponse(fault: OscoreFault): MessageContent {
  const { code, diagnostic } = oscoreFaults[fault];
  return content(code, Buffer.from(diagnostic));
}

function nameOf({ wireId, generation }: WireIdentity): string {
  return `${wireId}.${generation}`;
}

/** Options in ascending order, as on the wire; repeated ones keep theirs. */
function toOscore({ code, options, payload }: MessageContent): oscore.CoapMessage {
  const sorted = options.toSorted((a, b) => a.number - b.number);
  return { code, options: sorted.map(({ number, value }) => [number, value] as const), payload };
}

function fromOscore({ code, options, payload }: oscore.CoapMessage): MessageContent {
  return { code, options: options.map(([number, value]) => ({ number, value })), payload };
}
