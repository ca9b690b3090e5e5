import type { TLSSocket } from "node:tls";
import { parseUserName } from "@motelet/profiles";
import type { WireIdentity } from "../directory.ts";

/**
 * The identity in a client certificate that the CA has signed: its only common name is `<wireId>.<generation>`, the
 * same text as the MQTT user name. Any other name proves nothing.
 */
export function identityOfCertificate(socket: TLSSocket): WireIdentity | "client-certificate" {
  if (!socket.authorized) return "client-certificate";
  return parseUserName(commonNameOf(socket) ?? "") ?? "client-certificate";
}

/** The only common name in a client certificate, from any signer; undefined if there is none, or several. */
export function commonNameOf(socket: TLSSocket): string | undefined {
  // Typed as always there; empty where no certificate came, null where the socket has gone.
  const certificate: { subject?: { CN?: unknown } } | null = socket.getPeerCertificate();
  const commonName = certificate?.subject?.CN;
  return typeof commonName === "string" ? commonName : undefined;
}
