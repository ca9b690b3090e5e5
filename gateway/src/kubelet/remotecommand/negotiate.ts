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

/**
 * Picks the first of the client's protocols that we speak: the client's order counts.
 * @param offered values of X-Stream-Protocol-Version, each one name or a comma list
 * @throws RequestError where the client offers none, AccessError (403, as a kubelet does) where we speak none of them
 */
export function negotiateSpdyProtocol(offered: readonly string[]): SpdyProtocol {
  const names = offered.flatMap((value) => value.split(",")).map((name) => name.trim());
  const wanted = names.filter((name) => name !== "");
  if (wanted.length === 0)
    throw new RequestError(
      "PROTOCOL_MISSING",
      "unable to upgrade: X-Stream-Protocol-Version header is required",
    );
  for (const name of wanted) {
    const known = spdyProtocols.find((protocol) => protocol === name);
    if (known) return known;
  }
  throw new AccessError(
    "PROTOCOL_UNSUPPORTED",
    `unable to upgrade: unable to negotiate protocol: client supports [${wanted.slice(0, 8).join(" ")}], ` +
      `server accepts [${spdyProtocols.join(" ")}]`,
  );
}
