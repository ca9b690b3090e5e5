import { RequestError } from "../../foundation/errors.ts";

/** Which streams a client asked for (docs/kubectl.md, "exec"). */
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

/** Subprotocols of exec and attach over WebSocket; clients that name none get the first version. */
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
 * @throws RequestError if no stream is requested
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
