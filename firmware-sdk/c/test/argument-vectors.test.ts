import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type CborValue,
  commands,
  decodeCbor,
  decodeMessage,
  encodeMessage,
  Status,
} from "@motelet/profiles";
import { Driver } from "./driver.ts";
import { readVectors } from "./vectors.ts";

const vectors = readVectors<{
  arguments: readonly {
    readonly name: string;
    readonly op: number;
    readonly case: string;
    readonly hex: string;
  }[];
}>("message.json").arguments;

const boot = 1;
const caps = 0xffff;
/**
 * What valid arguments can come to on a device where nothing runs, nothing is stored, and paths have at most 64 bytes;
 * every other command is OK.
 */
const outcomes: ReadonlyMap<number, readonly Status[]> = new Map([
  [commands.execControl.op, [Status.NOT_FOUND]],
  [commands.logRead.op, [Status.NOT_FOUND]],
  [commands.dial.op, [Status.OK, Status.NOT_FOUND]],
  [commands.peripheralInvoke.op, [Status.OK, Status.NOT_FOUND, Status.OUT_OF_RANGE]],
  // The root is a directory, and always there.
  [commands.fileStat.op, [Status.OK, Status.NOT_FOUND, Status.OUT_OF_RANGE]],
  [commands.fileList.op, [Status.OK, Status.NOT_FOUND, Status.OUT_OF_RANGE]],
  [commands.fileRead.op, [Status.NOT_FOUND, Status.OUT_OF_RANGE]],
  [commands.fileWrite.op, [Status.OK, Status.RESOURCE_EXHAUSTED, Status.OUT_OF_RANGE]],
  [commands.fileRemove.op, [Status.NOT_FOUND, Status.FAILED_PRECONDITION, Status.OUT_OF_RANGE]],
  [commands.fileRename.op, [Status.NOT_FOUND, Status.FAILED_PRECONDITION, Status.OUT_OF_RANGE]],
]);
const id = 7;
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
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

let driver: Driver;
before(async () => {
  driver = await Driver.start(1024);
});
after(() => driver[Symbol.asyncDispose]());

/** The status by which a fresh device answers the request. */
async function statusOf(op: number, args: readonly CborValue[]): Promise<number | undefined> {
  await driver.ask(`session ${boot} ${caps} 500 0 0 0`);
  await driver.askBlock("open 0", "wait");
  await driver.askBlock(`receive 10 ${hexOf(welcome)}`, "wait");
  const request = encodeMessage({ kind: "request", id, op, args });
  for (const line of await driver.askBlock(`receive 20 ${hexOf(request)}`, "wait")) {
    if (!line.startsWith("send ")) continue;
    const { message } = decodeMessage(Buffer.from(line.slice(5), "hex"));
    if (message.kind === "response" && message.id === id) return message.status;
  }
  return undefined;
}

test("a device refuses every vector of invalid arguments, and none of the others, as INVALID_ARGUMENT", async () => {
  let refused = 0;
  for (const { name, op, case: kind, hex } of vectors) {
    const status = await statusOf(op, decodeCbor(Buffer.from(hex, "hex")) as readonly CborValue[]);
    if (kind === "invalid") assert.equal(status, Status.INVALID_ARGUMENT, name);
    else {
      const expected = outcomes.get(op) ?? [Status.OK];
      assert.ok(expected.includes(status as Status), `${name}: ${status}`);
    }
    if (status === Status.INVALID_ARGUMENT) refused++;
  }
  assert.ok(refused >= 20, `only ${refused} vectors were refused`);
});
