import { AccessError, RequestError } from "../../foundation/errors.ts";

/** Which streams a client asked for (kubelet-protocol.md §1.4). */
export interface StreamOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Subprotocols of exec and attach over SPDY; v5 exists over WebSocket only. */
export const spdyProtocols = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;
export type SpdyProtocol = (typeof spdyProtocols)[number];

/** Subprotocols of exec and attach over WebSocket; clients that name none are served as by the first version. */
export const webSocketProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
  "",
] as const;
export type WebSocketProtocol = (typeof webSocketProtocols)[number];
export type RemoteProtocol = SpdyProtocol | WebSocketProtocol;

/**
 * Reads `input`, `output`, `error` and `tty` of a query. With a tty there is no stderr.
 * @throws RequestError where no stream is asked for
 */
export function parseStreamOptions(query: URLSearchParams): StreamOptions {
  const isSet = (name: string) => query.get(name) === "1";
  const tty = isSet("tty");
  const options = {
    tty,
    stdin: isSet("input"),
    stdout: isSet("output"),
    stderr: isSet("error") && !tty,
  };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new RequestError("STREAMS_MISSING", "you must specify at least 1 of stdin, stdout, stderr");
  return options;
}

/** The names in the values of a header, each of them one name or a comma list. */
export function listedNames(values: readonly string[]): readonly string[] {
  return values
    .flatMap((value) => value.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/**
 * Picks the first of the client's protocols that we speak: the client's order counts.
 * @param offered values of X-Stream-Protocol-Version
 * @throws RequestError where the client offers none, AccessError (403, as a kubelet does) where we speak none of them
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
 * Picks a subprotocol of a WebSocket: v5 wherever the client names it, else the client's order.
 * @param offered values of Sec-WebSocket-Protocol
 * @throws AccessError (403) where we speak none of those that are named
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
