import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type CborValue,
  commands,
  decodeMessage,
  encodeMessage,
  type Message,
  Status,
} from "@motelet/profiles";
import { Driver, share } from "./driver.ts";

let driver: Driver;
before(async () => {
  driver = await Driver.start(256);
});
after(() => driver[Symbol.asyncDispose]());

const roomBytes = 512;
const caps = 0xffff;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The device behind the driver: time stands still, messages are answered at once. */
class Device {
  #attempt = 0;
  #id = 0;

  /** A device without files. */
  async begin(): Promise<void> {
    await driver.ask(`files ${roomBytes}`);
    await driver.ask(`session 1 ${caps} 500 1 0 0`);
    this.#attempt = 0;
    await this.#join();
  }

  /** Flash takes `writes` more bytes and erasures, and then none: as if the power went. */
  async cut(writes: number): Promise<void> {
    await driver.ask(`cut ${writes}`);
  }

  async reset(): Promise<void> {
    await driver.ask("reset");
    this.#attempt = 0;
    await this.#join();
  }

  async request(
    op: number,
    args: readonly CborValue[],
  ): Promise<{ status: Status; result: readonly CborValue[]; sent: Message[] }> {
    const id = ++this.#id & 0xffff;
    const sent = await this.#receive({ kind: "request", id, op, args });
    const response = sent.find((message) => message.kind === "response" && message.id === id);
    assert.ok(response?.kind === "response");
    return { status: response.status as Status, result: response.result, sent };
  }

  async write(path: string, bytes: Uint8Array, size: number | null = bytes.length): Promise<Status> {
    const { status } = await this.request(commands.fileWrite.op, [1, size, 0o600, path]);
    if (status !== Status.OK) return status;
    for (let offset = 0; ; offset += 100) {
      const part = bytes.subarray(offset, offset + 100);
      const isLast = offset + 100 >= bytes.length;
      const end = isLast ? { end: { status: Status.OK } } : {};
      const sent = await this.#receive({ kind: "data", stream: 1, offset, bytes: part, ...end });
      const ended = sent.find((message) => message.kind === "data");
      if (ended?.kind === "data" && ended.end) {
        await this.#receive({ kind: "credit", stream: 1, next: 1, window: 0 });
        return ended.end.status as Status;
      }
      assert.ok(!isLast, "no end after all of it");
    }
  }

  /** @returns its bytes, or why not */
  async read(path: string): Promise<Buffer | Status> {
    let { status, sent } = await this.request(commands.fileRead.op, [1, 0, path]);
    if (status !== Status.OK) return status;
    const parts: Uint8Array[] = [];
    for (let next = 0; ; ) {
      let ended: number | undefined;
      for (const message of sent) {
        if (message.kind !== "data" || message.offset !== next) continue;
        parts.push(message.bytes);
        next += message.bytes.length + (message.end ? 1 : 0);
        ended = message.end?.status;
      }
      sent = await this.#receive({ kind: "credit", stream: 1, next, window: 512 });
      if (ended !== undefined) return ended === Status.OK ? Buffer.concat(parts) : (ended as Status);
      assert.ok(sent.length > 0, "it does not go on");
    }
  }

  async #join(): Promise<void> {
    await driver.askBlock("open 0", "wait");
    await this.#receive({
      kind: "welcome",
      attempt: ++this.#attempt,
      sid: 7,
      streamsKept: false,
      time: { s: 1_000_000, ms: 0 },
      heartbeatS: 65_535,
      rtoMs: 500,
      reportWindow: 4,
      storedSeq: 0xffff,
    });
  }

  async #receive(message: Message): Promise<Message[]> {
    const lines = await driver.askBlock(`receive 10 ${hex(encodeMessage(message))}`, "wait");
    return lines
      .filter((line) => line.startsWith("send "))
      .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message);
  }
}

const old = Buffer.from("the old content, of one length");
const fresh = Buffer.from("what comes instead has another");

/** What is done, and how many writes it takes at most. */
const changes: readonly (readonly [
  string,
  (device: Device) => Promise<unknown>,
  Buffer | Status,
  Buffer | Status,
])[] = [
  ["replacing a file", (device) => device.write("/dir/file", fresh), old, fresh],
  [
    "removing a file",
    (device) => device.request(commands.fileRemove.op, ["/dir/file"]),
    old,
    Status.NOT_FOUND,
  ],
  [
    "renaming another over a file",
    (device) => device.request(commands.fileRename.op, ["/other", "/dir/file"]),
    old,
    Buffer.from("other"),
  ],
];

for (const [what, change, beforeIt, afterIt] of changes) {
  test(`a reset after any number of writes to flash leaves the file before or after ${what}`, async () => {
    const device = new Device();
    const outcomes = new Set<string>();
    for (let writes = 0; writes < 10_000; writes += share) {
      await device.begin();
      assert.equal(await device.write("/other", Buffer.from("other")), Status.OK);
      assert.equal(await device.write("/dir/file", old), Status.OK);
      await device.cut(writes);
      await change(device);
      await device.reset();
      const got = await device.read("/dir/file");
      const isBefore = Buffer.isBuffer(got) && Buffer.isBuffer(beforeIt) && got.equals(beforeIt);
      const isAfter =
        Buffer.isBuffer(got) && Buffer.isBuffer(afterIt) ? got.equals(afterIt) : got === afterIt;
      assert.ok(isBefore || isAfter, `${writes} writes: ${String(got)}`);
      outcomes.add(isBefore ? "before" : "after");
      // Whatever was cut off, what comes next works, and outlives a reset.
      assert.equal(await device.write("/dir/next", fresh), Status.OK, `${writes} writes`);
      await device.reset();
      assert.deepEqual(await device.read("/dir/next"), fresh);
      if (isAfter && writes > 200) break;
    }
    assert.deepEqual(outcomes, new Set(["before", "after"]));
  });
}

test("files fill the flash to the last byte, and one byte more is RESOURCE_EXHAUSTED, said or not said before", async () => {
  const device = new Device();
  await device.begin();
  assert.equal(await device.write("/all", Buffer.alloc(roomBytes, 1)), Status.OK);
  assert.equal(await device.write("/one", Buffer.alloc(1)), Status.RESOURCE_EXHAUSTED);
  assert.equal(await device.write("/one", Buffer.alloc(1), null), Status.RESOURCE_EXHAUSTED);
  assert.equal(((await device.read("/all")) as Buffer).length, roomBytes);
  await device.request(commands.fileRemove.op, ["/all"]);
  assert.equal(await device.write("/all", Buffer.alloc(roomBytes + 1), null), Status.RESOURCE_EXHAUSTED);
  assert.equal(await device.write("/all", Buffer.alloc(roomBytes), null), Status.OK);
});

test("more files than the index has room for are RESOURCE_EXHAUSTED, and those that are there stay", async () => {
  const device = new Device();
  await device.begin();
  let files = 0;
  while ((await device.write(`/${files}`, Buffer.alloc(0))) === Status.OK) files++;
  // 12 bytes of head, then 24 for each with its path to a multiple of 4.
  assert.equal(files, Math.floor((480 - 12) / 28));
  await device.reset();
  assert.deepEqual(await device.read("/0"), Buffer.alloc(0));
  await device.request(commands.fileRemove.op, ["/0"]);
  assert.equal(await device.write("/0", Buffer.from("again")), Status.OK);
});

test("a file that is replaced while it is read goes on as it was or ends with DATA_LOSS", async () => {
  const device = new Device();
  await device.begin();
  await device.write("/a", Buffer.alloc(300, 1));
  const { status } = await device.request(commands.fileRead.op, [2, 0, "/a"]);
  assert.equal(status, Status.OK);
  await device.write("/a", Buffer.alloc(150, 2));
  await device.write("/b", Buffer.alloc(100, 3));
  const sent = (
    await driver.askBlock(
      `receive 10 ${hex(encodeMessage({ kind: "credit", stream: 2, next: 128, window: 512 }))}`,
      "wait",
    )
  )
    .filter((line) => line.startsWith("send "))
    .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message);
  const end = sent.find((message) => message.kind === "data" && message.end !== undefined);
  assert.ok(end?.kind === "data");
  assert.equal(end.end?.status, Status.DATA_LOSS);
});

/** Numbers below `below`, the same for the same seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test("random changes, resets and cuts leave what a map has", async () => {
  const device = new Device();
  const pick = random(5);
  const model = new Map<string, Buffer>();
  const paths = ["/a", "/b", "/d/a", "/d/b", "/d/e/f", "/longer-name.txt"];
  await device.begin();
  const rounds = (process.env.MOTELET_SOAK ? 20_000 : 1_500) / share;
  for (let round = 0; round < rounds; round++) {
    const path = paths[pick(paths.length)] as string;
    const other = paths[pick(paths.length)] as string;
    const bytes = Buffer.from(Array.from({ length: pick(90) }, () => pick(256)));
    const cuts = pick(8) === 0;
    if (cuts) await device.cut(pick(160));
    const before = new Map(model);
    const isWrite = pick(3) > 0;
    if (isWrite) {
      const status = await device.write(path, bytes, pick(2) ? bytes.length : null);
      if (status === Status.OK || cuts) model.set(path, bytes);
      else assert.equal(status, Status.RESOURCE_EXHAUSTED);
    } else if (pick(2)) {
      await device.request(commands.fileRemove.op, [path]);
      model.delete(path);
    } else {
      const { status } = await device.request(commands.fileRename.op, [path, other]);
      const moved = model.get(path);
      assert.equal(status === Status.NOT_FOUND, moved === undefined);
      if (moved && path !== other) {
        model.delete(path);
        model.set(other, moved);
      }
    }
    if (cuts || pick(20) === 0) await device.reset();
    if (!cuts && pick(4) > 0) continue;
    const same = async (expected: ReadonlyMap<string, Buffer>) => {
      for (const each of paths) {
        const got = await device.read(each);
        const want = expected.get(each);
        if (want === undefined ? got !== Status.NOT_FOUND : !(Buffer.isBuffer(got) && got.equals(want)))
          return false;
      }
      return true;
    };
    if (await same(model)) continue;
    assert.ok(cuts && (await same(before)), `round ${round}: neither before nor after`);
    model.clear();
    for (const [each, content] of before) model.set(each, content);
  }
});
