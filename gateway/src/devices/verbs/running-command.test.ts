import assert from "node:assert/strict";
import { test } from "node:test";
import { Status } from "@motelet/profiles";
import { exitOf, exitOfCommand } from "./running-command.ts";

test("a command that ran to its end and tells no exit code is no success; a console has none", () => {
  assert.deepEqual(exitOfCommand({ status: Status.OK }), {
    status: Status.DATA_LOSS,
    exitCode: 0,
    message: "the device tells no exit code of the command",
  });
  assert.deepEqual(exitOf({ status: Status.OK }), { status: Status.OK, exitCode: 0 });
});

test("what the device tells is passed on", () => {
  assert.deepEqual(exitOfCommand({ status: Status.OK, exitCode: 0 }), { status: Status.OK, exitCode: 0 });
  assert.deepEqual(exitOfCommand({ status: Status.OK, exitCode: 255 }), { status: Status.OK, exitCode: 255 });
  const lost = { status: Status.UNAVAILABLE, message: "gone" };
  assert.deepEqual(exitOfCommand(lost), { ...lost, exitCode: 0 });
});
