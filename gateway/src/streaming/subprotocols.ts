import { AccessError, RequestError } from "../foundation/errors.ts";

/** The names in the values of a header, each of them one name or a comma list. */
export function listedNames(values: readonly string[]): readonly string[] {
  return values
    .flatMap((value) => value.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/**
 * Selects the first of the client's protocols that is supported: the client's order counts.
 * @param offered values of X-Stream-Protocol-Version
 * @throws RequestError if the client offers none, AccessError (403, as in a kubelet) if none of them is supported
 */
export function negotiateProtocol<P extends string>(offered: readonly string[], accepted: readonly P[]): P {
  const wanted = listedNames(offered);
  if (wanted.length === 0)
    throw new RequestError(
      "PROTOCOL_MISSING",
      "unable to upgrade: X-Stream-Protocol-Version header is required",
    );
  const chosen = firstOf(wanted, accepted);
  if (chosen !== undefined) return chosen;
  throw new AccessError(
    "PROTOCOL_UNSUPPORTED",
    `unable to upgrade: unable to negotiate protocol: client supports [${wanted.slice(0, 8).join(" ")}], ` +
      `server accepts [${accepted.join(" ")}]`,
    { headers: { "x-accepted-stream-protocol-versions": accepted.join(", ") } },
  );
}

/**
 * Selects a subprotocol of a WebSocket: v5 if the client names it, else by the client's order.
 * @param offered values of Sec-WebSocket-Protocol
 * @throws AccessError (403) if none of the named ones is supported
 */
export function negotiateWebSocketProtocol<P extends string>(
  offered: readonly string[],
  accepted: readonly P[],
): P {
  const names = listedNames(offered);
  const v5 = accepted.find((protocol) => protocol === "v5.channel.k8s.io");
  if (v5 !== undefined && names.includes(v5)) return v5;
  const chosen = firstOf(names.length === 0 ? [""] : names, accepted);
  if (chosen !== undefined) return chosen;
  throw new AccessError(
    "PROTOCOL_UNSUPPORTED",
    `requested protocol(s) are not supported: [${names.slice(0, 8).join(" ")}]; supports [${accepted.join(" ")}]`,
  );
}

function firstOf<P extends string>(names: readonly string[], accepted: readonly P[]): P | undefined {
  for (const name of names) {
    const known = accepted.find((protocol) => protocol === name);
    if (known !== undefined) return known;
  }
  return undefined;
}
