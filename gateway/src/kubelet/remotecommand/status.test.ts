import assert from "node:assert/strict";
import { test } from "node:test";
import { formatStatus, statusOfExit } from "./status.ts";

const exit = (status: number, exitCode: number, message?: string) =>
  statusOfExit({ status, exitCode, ...(message === undefined ? {} : { message }) });

test("success is the shortest Status since v4 and nothing before", () => {
  assert.equal(formatStatus(exit(0, 0), "v4.channel.k8s.io"), '{"metadata":{},"status":"Success"}');
  assert.equal(formatStatus(exit(0, 0), "v3.channel.k8s.io"), "");
});

test("an exit code is a cause since v4 and a sentence before", () => {
  assert.deepEqual(JSON.parse(formatStatus(exit(0, 7), "v4.channel.k8s.io")), {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: "command terminated with non-zero exit code: exit status 7",
    details: { causes: [{ reason: "ExitCode", message: "7" }] },
  });
  assert.equal(
    formatStatus(exit(0, 7), "channel.k8s.io"),
    "command terminated with non-zero exit code: exit status 7",
  );
});

for (const [exitCode, reason] of [
  [255, "NonZeroExitCode"],
  [256, "InternalError"],
  [-1, "InternalError"],
  [1.5, "InternalError"],
] as const) {
  test(`exit code ${exitCode} is told as ${reason}`, () => {
    assert.equal(exit(0, exitCode).reason, reason);
  });
}

for (const [status, reason, code, message] of [
  [5, "NotFound", 404, "NOT_FOUND: no such command"],
  [14, "ServiceUnavailable", 503, "UNAVAILABLE: no such command"],
  [99, "InternalError", 500, "STATUS_99: no such command"],
] as const) {
  test(`device status ${status} is told as ${reason}`, () => {
    const told = exit(status, 0, "no such command");
    assert.deepEqual([told.reason, told.code, told.message], [reason, code, message]);
  });
}
