import { statusName, statusTable } from "@motelet/profiles";
import type { CommandExit } from "../../devices/verbs/command-session.ts";
import type { RemoteStatus } from "../../streaming/remotecommand/status.ts";

const success: RemoteStatus = { metadata: {}, status: "Success" };

/**
 * The status for the client's error stream. Exit codes are sent as text, and clients pass them to an operating system
 * that keeps 8 bits: 256 would count as success. Codes outside 0 to 255 are sent as 255; see `exitNote`.
 */
export function statusOfExit(exit: CommandExit): RemoteStatus {
  if (exit.status !== 0) return failure(exit.status, exit.message ?? "the device reports no reason");
  if (exit.exitCode === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exit.exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(carried(exit.exitCode)) }] },
  };
}

/** A line for the client's stderr about an exit code outside 0 to 255; undefined for any other end. */
export function exitNote({ status, exitCode }: CommandExit): string | undefined {
  if (status !== 0 || carried(exitCode) === exitCode) return undefined;
  return `exit code ${exitCode}: expected 0 to 255, told as 255`;
}

function carried(exitCode: number): number {
  return Number.isInteger(exitCode) && exitCode >= 0 && exitCode <= 255 ? exitCode : 255;
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
