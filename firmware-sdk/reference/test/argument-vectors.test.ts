import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type CborValue,
  commands,
  decodeCbor,
  decodeMessage,
  encodeMessage,
  Status,
} from "@motelet/profiles";
import { Session } from "../src/index.ts";

const file = new URL("../../../profiles/vectors/message.json", import.meta.url);
const vectors = (
  JSON.parse(readFileSync(file, "utf8")) as {
    arguments: readonly {
      readonly name: string;
      readonly op: number;
      readonly case: string;
      readonly hex: string;
    }[];
  }
).arguments;

/** What this device does not have yet. */
const lacking: readonly number[] = [
  commands.console,
  commands.stats,
  commands.dial,
  commands.fileStat,
  commands.fileList,
  commands.fileRead,
  commands.fileWrite,
  commands.fileRemove,
  commands.fileRename,
  commands.peripheralList,
  commands.peripheralInvoke,
].map(({ op }) => op);
const id = 7;
const welcome = encodeMessage({
  kind: "welcome",
  attempt: 1,
  sid: 7,
  streamsKept: false,
  time: { s: 1_000_000, ms: 0 },
  heartbeatS: 10,
  rtoMs: 500,
  reportWindow: 4,
  storedSeq: 0,
});

/** The status by which a fresh device answers the request. */
function statusOf(op: number, args: readonly CborValue[]): number | undefined {
  let status: number | undefined;
  const session = new Session(
    {
      boot: 1,
      caps: 0xffff,
      maxMessageBytes: 1024,
      rxWindowBytes: 128,
      streamBufferBytes: 128,
      streams: 2,
      rtoMs: 500,
      startedMs: 0,
    },
    {
      send(bytes) {
        const { message } = decodeMessage(bytes);
        if (message.kind === "response" && message.id === id) status = message.status;
        return true;
      },
      reboot() {},
    },
  );
  session.open(0);
  session.poll(0);
  session.receive(welcome, 10);
  session.receive(encodeMessage({ kind: "request", id, op, args }), 20);
  session.poll(20);
  return status;
}

test("a device refuses every vector of invalid arguments, and none of the others, as INVALID_ARGUMENT", () => {
  let refused = 0;
  for (const { name, op, case: kind, hex } of vectors) {
    const status = statusOf(op, decodeCbor(Buffer.from(hex, "hex")) as readonly CborValue[]);
    if (lacking.includes(op)) assert.equal(status, Status.UNIMPLEMENTED, name);
    else if (kind === "invalid") assert.equal(status, Status.INVALID_ARGUMENT, name);
    // Nothing runs, and there is no ring: that is told only after the arguments have been taken.
    else if (op === commands.execControl.op || op === commands.logRead.op) {
      assert.equal(status, Status.NOT_FOUND, name);
    } else assert.equal(status, Status.OK, name);
    if (status === Status.INVALID_ARGUMENT) refused++;
  }
  assert.ok(refused >= 20, `only ${refused} vectors were refused`);
});
