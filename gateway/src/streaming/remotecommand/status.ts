import type { RemoteProtocol } from "./protocols.ts";

/** The part of metav1.Status that clients of exec and attach read. */
export interface RemoteStatus {
  readonly kind?: "Status";
  readonly apiVersion?: "v1";
  readonly metadata: Record<string, never>;
  readonly status: "Success" | "Failure";
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] };
}

/** Protocols whose error stream carries a Status; before them it is a text on failure and nothing on success. */
const statusProtocols: ReadonlySet<RemoteProtocol> = new Set([
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
]);

/** The bytes of the error stream. */
export function formatStatus(status: RemoteStatus, protocol: RemoteProtocol): string {
  if (statusProtocols.has(protocol)) return JSON.stringify(status);
  return status.status === "Success" ? "" : (status.message ?? "");
}
