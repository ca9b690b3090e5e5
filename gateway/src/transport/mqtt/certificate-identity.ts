import type { TLSSocket } from "node:tls";
import { parseUserName } from "@motelet/profiles";
import type { WireIdentity } from "../directory.ts";

/**
 * The identity in a client certificate that the CA has signed: its only common name is `<wireId>.<generation>`, the
 * same text as the MQTT user name. Anything else proves nothing.
 */
export function identityOfCertificate(socket: TLSSocket): WireIdentity | "client-certificate" {
  if (!socket.authorized) return "client-certificate";
  // Typed as always there; empty where no certificate came.
  const subject: { CN?: unknown } | undefined = socket.getPeerCertificate().subject;
  const commonName = subject?.CN;
  const identity = typeof commonName === "string" ? parseUserName(commonName) : undefined;
  return identity ?? "client-certificate";
}
