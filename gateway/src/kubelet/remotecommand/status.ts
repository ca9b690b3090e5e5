import { Status, statusName, statusTable } from "@motelet/profiles";
import type { ExecExit } from "../../devices/verbs/exec.ts";
import type { RemoteProtocol } from "./negotiate.ts";

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

const success: RemoteStatus = { metadata: {}, status: "Success" };

/**
 * How a command ended, as the client's error stream tells it. Exit codes travel as text and clients read them as an
 * 8-bit number: another value is a failure of the device.
 */
export function statusOfExit(exit: ExecExit): RemoteStatus {
  if (exit.status !== 0) return failure(exit.status, exit.message ?? "the device reports no reason");
  if (!Number.isInteger(exit.exitCode) || exit.exitCode < 0 || exit.exitCode > 255)
    return failure(Status.DATA_LOSS, `exit code ${exit.exitCode} is not within 0…255`);
  if (exit.exitCode === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exit.exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exit.exitCode) }] },
  };
}

function failure(status: number, message: string): RemoteStatus {
  const row = statusTable[status];
  const { reason, http } = row ?? { reason: "InternalError", http: 500 };
  return {
    metadata: {},
    status: "Failure",
    reason,
    message: `${statusName(status)}: ${message}`,
    code: http,
  };
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
