import assert from "node:assert/strict";
import { test } from "node:test";
import { formatStatus } from "../../streaming/remotecommand/status.ts";
import { exitNote, statusOfExit } from "./exit-status.ts";

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

for (const exitCode of [256, 257, 512, 65_536, 2 ** 32, -1, -256, 1.5, Number.NaN]) {
  test(`exit code ${exitCode} is told as 255, with the number itself for stderr`, () => {
    const { reason, details, message } = exit(0, exitCode);
    assert.equal(reason, "NonZeroExitCode");
    assert.deepEqual(details, { causes: [{ reason: "ExitCode", message: "255" }] });
    assert.match(message ?? "", new RegExp(`exit status ${exitCode}$`));
    assert.equal(exitNote({ status: 0, exitCode }), `exit code ${exitCode}: expected 0 to 255, told as 255`);
  });
}

test("a code that can be told needs no note, nor does a command that did not run to its end", () => {
  for (const exitCode of [0, 1, 254, 255]) assert.equal(exitNote({ status: 0, exitCode }), undefined);
  assert.equal(exitNote({ status: 14, exitCode: 256 }), undefined);
});

test("no code but 0 is a success", () => {
  for (let exitCode = -1_030; exitCode <= 1_030; exitCode++)
    assert.equal(exit(0, exitCode).status, exitCode === 0 ? "Success" : "Failure", String(exitCode));
});

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
