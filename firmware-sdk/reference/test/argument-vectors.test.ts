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
import { type DeviceStats, FileStore, Session } from "../src/index.ts";

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

/** What valid arguments can come to on a device where nothing runs and nothing is stored; every other command is OK. */
const outcomes: ReadonlyMap<number, readonly Status[]> = new Map([
  [commands.execControl.op, [Status.NOT_FOUND]],
  [commands.logRead.op, [Status.NOT_FOUND]],
  [commands.dial.op, [Status.NOT_FOUND]],
  [commands.peripheralInvoke.op, [Status.NOT_FOUND, Status.OUT_OF_RANGE]],
  // The root is a directory, and always there.
  [commands.fileStat.op, [Status.OK, Status.NOT_FOUND]],
  [commands.fileList.op, [Status.OK, Status.NOT_FOUND]],
  [commands.fileRead.op, [Status.NOT_FOUND]],
  [commands.fileWrite.op, [Status.OK, Status.RESOURCE_EXHAUSTED]],
  [commands.fileRemove.op, [Status.NOT_FOUND, Status.FAILED_PRECONDITION]],
  [commands.fileRename.op, [Status.NOT_FOUND, Status.FAILED_PRECONDITION]],
]);
const nothing: DeviceStats = {
  cpuMs: 0,
  heapTotalBytes: 0,
  heapFreeBytes: 0,
  heapMinBytes: 0,
  filesTotalBytes: 0,
  filesFreeBytes: 0,
  tasks: [],
};
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
      parts: {
        files: new FileStore({ totalBytes: 8_192, files: 2 }),
        services: new Map(),
        stats: () => nothing,
      },
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
    const expected = kind === "invalid" ? [Status.INVALID_ARGUMENT] : (outcomes.get(op) ?? [Status.OK]);
    assert.ok(expected.includes(status as Status), `${name}: ${status}`);
    if (status === Status.INVALID_ARGUMENT) refused++;
  }
  assert.ok(refused >= 20, `only ${refused} vectors were refused`);
});
