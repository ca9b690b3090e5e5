import { isIP } from "node:net";
import { RequestError } from "../../foundation/errors.ts";

/** The place of a serial line. */
export type PortSelector =
  /** A board (mostly an emulated one) listens on a Unix socket. */
  | { readonly kind: "unix"; readonly path: string }
  /** A board or a terminal server listens on TCP, raw bytes. */
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** A serial device of this machine. */
  | { readonly kind: "tty"; readonly path: string }
  /** The slave side of a pseudo-terminal. */
  | { readonly kind: "pty"; readonly path: string };

/** Longest path of a Unix socket on Linux (sun_path, 108 bytes with its end). */
const maxSocketPathBytes = 107;

const forms = "unix:/path, tcp:host:port, /dev/name or pty:/path";

/**
 * Reads the text of a port in a Device's links.
 * @throws RequestError PORT_SYNTAX, PORT_UNSUPPORTED
 */
export function parsePort(text: string): PortSelector {
  if (text.startsWith("/dev/") && text.length > "/dev/".length) return { kind: "tty", path: text };
  const colon = text.indexOf(":");
  const scheme = colon < 0 ? "" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (scheme) {
    case "unix": {
      const bytes = Buffer.byteLength(rest);
      if (bytes <= maxSocketPathBytes) return { kind: "unix", path: absolute(text, rest) };
      throw syntax(text, `a socket's path of at most ${maxSocketPathBytes} bytes, got ${bytes}`);
    }
    case "pty":
      return { kind: "pty", path: absolute(text, rest) };
    case "tcp":
      return parseTcp(text, rest);
    case "usb":
    case "rfc2217":
      throw new RequestError(
        "PORT_UNSUPPORTED",
        `port "${text}": ${scheme}: is not supported yet, use ${forms}`,
        {
          port: text,
        },
      );
    default:
      throw syntax(text, forms);
  }
}

function absolute(text: string, path: string): string {
  if (path.startsWith("/") && path.length > 1 && !path.includes("\0")) return path;
  throw syntax(text, "an absolute path after the colon");
}

function parseTcp(text: string, address: string): PortSelector {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const bracketed = match?.[1] !== undefined;
  if (host === undefined || (bracketed && isIP(host) !== 6))
    throw syntax(text, "tcp:host:port or tcp:[v6]:port");
  if (port < 1 || port > 65_535) throw syntax(text, `a port of 1 to 65535, got ${port}`);
  return { kind: "tcp", host, port };
}

function syntax(text: string, expected: string): RequestError {
  return new RequestError("PORT_SYNTAX", `port "${text}": expected ${expected}`, { port: text });
}
