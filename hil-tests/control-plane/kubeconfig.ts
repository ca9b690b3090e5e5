import { stringify } from "yaml";
import type { KeyPair } from "./authority.ts";

/** What a client shows: a client certificate, or a token. */
export type Credentials = KeyPair | { readonly token: string };

/** Text of a kubeconfig with one context, `motelet`, which holds all it needs. */
export function formatKubeconfig(
  server: string,
  caPem: string,
  user: string,
  credentials: Credentials,
): string {
  const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
  const shown =
    "token" in credentials
      ? { token: credentials.token }
      : {
          "client-certificate-data": base64(credentials.certificate),
          "client-key-data": base64(credentials.key),
        };
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "motelet", cluster: { server, "certificate-authority-data": base64(caPem) } }],
      users: [{ name: user, user: shown }],
      contexts: [{ name: "motelet", context: { cluster: "motelet", user } }],
      "current-context": "motelet",
    },
    { lineWidth: 0 },
  );
}
