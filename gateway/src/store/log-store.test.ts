import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Metrics } from "../foundation/metrics.ts";
import { lineOverheadBytes } from "./log-store.ts";
import { openStore } from "./store.ts";

/** What a line of ten characters takes. */
const tenBytes = 10 + lineOverheadBytes;

function bed(options: { bootBytes?: number; totalBytes?: number; path?: string } = {}) {
  const { bootBytes = 1e6, totalBytes = 1e9, path = ":memory:" } = options;
  const metrics = new Metrics();
  const store = openStore({ path, metrics, logLimits: { bootBytes, totalBytes }, commitSpacingMs: 0 });
  let count = 0;
  return {
    store,
    metrics,
    [Symbol.dispose]: () => store[Symbol.dispose](),
    /** Appends numbered lines of ten characters. */
    async append(device: string, lines: number) {
      for (let i = 0; i < lines; i++) {
        const text = `${String(++count).padStart(9, "0")}\n`;
        await store.database.write((tx) => store.logs.append(tx, device, "this", [{ text, stampMs: 0 }]));
      }
    },
    boot: (device: string, boot: number) =>
      store.database.write((tx) => store.logs.beginBoot(tx, device, boot, 1e15)),
    numbers: (device: string) => store.logs.after(device, 0, 1e6).map(({ text }) => Number(text)),
    bytes: () => metrics.valueOf("motelet_log_bytes"),
    dropped: (reason: string) => metrics.valueOf("motelet_log_lines_dropped_total", { reason }),
  };
}

test("a boot's log at its bound keeps all lines, one past it makes an eighth of room and counts what went", async () => {
  using t = bed({ bootBytes: 8 * tenBytes });
  await t.append("a", 8);
  assert.deepEqual([t.numbers("a").length, await t.bytes()], [8, 8 * tenBytes]);
  await t.append("a", 1);
  assert.deepEqual(t.numbers("a"), [3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual([await t.dropped("boot-full"), await t.bytes()], [2, 7 * tenBytes]);
});

test("this boot and the one before have the bound each, and older ones go", async () => {
  using t = bed({ bootBytes: 8 * tenBytes });
  await t.boot("a", 1);
  await t.append("a", 8);
  await t.boot("a", 2);
  await t.append("a", 8);
  assert.equal(t.numbers("a").length, 16);
  assert.equal(await t.dropped("boot-full"), 0);
  await t.boot("a", 3);
  assert.deepEqual([t.numbers("a").length, await t.bytes()], [8, 8 * tenBytes]);
});

test("all logs at their bound stay, one line past it halves the longest, and quiet devices keep theirs", async () => {
  using t = bed({ totalBytes: 10 * tenBytes });
  await t.append("quiet", 2);
  await t.append("chatty", 8);
  assert.equal(await t.dropped("store-full"), 0);
  await t.append("quiet", 1);
  assert.deepEqual(t.numbers("quiet"), [1, 2, 11]);
  assert.deepEqual(t.numbers("chatty"), [7, 8, 9, 10]);
  assert.deepEqual([await t.dropped("store-full"), await t.bytes()], [4, 7 * tenBytes]);
});

test("where all are too much, the boot before goes first", async () => {
  using t = bed({ totalBytes: 10 * tenBytes });
  await t.boot("a", 1);
  await t.append("a", 4);
  await t.boot("a", 2);
  await t.append("a", 7);
  assert.deepEqual(t.numbers("a"), [4, 5, 6, 7, 8, 9, 10, 11]);
});

test("the newest line stays however little room there is", async () => {
  using t = bed({ totalBytes: 1 });
  await t.append("a", 3);
  assert.deepEqual(t.numbers("a"), [3]);
});

test("a line at the bound is whole, a longer one is cut between characters and keeps its end", async () => {
  using t = bed({ bootBytes: lineOverheadBytes + 8 });
  const append = (text: string) =>
    t.store.database.write((tx) => t.store.logs.append(tx, "a", "this", [{ text, stampMs: 0 }]));
  await append("1234567\n");
  assert.deepEqual(t.store.logs.after("a", 0, 9)[0]?.text, "1234567\n");
  await append("€€€\n");
  assert.deepEqual(t.store.logs.after("a", 0, 9).at(-1)?.text, "€€\n");
});

test("bounds hold over a restart, and what was kept is there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "motelet-logs-"));
  try {
    const path = join(folder, "store.db");
    {
      using t = bed({ path });
      await t.boot("a", 1);
      await t.append("a", 4);
      await t.boot("a", 2);
      await t.append("a", 4);
    }
    using t = bed({ path, totalBytes: 8 * tenBytes });
    assert.equal(await t.bytes(), 8 * tenBytes);
    assert.equal(t.store.logs.has("a", "previous"), true);
    await t.append("b", 1);
    assert.deepEqual(t.numbers("a"), [4, 5, 6, 7, 8]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("what a failed transaction would have appended counts for nothing", async () => {
  using t = bed();
  await t.append("a", 2);
  const failing = t.store.database.write((tx) => {
    t.store.logs.append(tx, "a", "this", [{ text: "lost\n", stampMs: 0 }]);
    throw new RangeError("bad");
  });
  await assert.rejects(failing, RangeError);
  await t.append("a", 1);
  assert.equal(await t.bytes(), 3 * tenBytes);
  await t.store.forget("a");
  await t.append("b", 1);
  assert.equal(await t.bytes(), tenBytes);
});

test("a line takes no more of the file than is counted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "motelet-logs-"));
  try {
    using t = bed({ path: join(folder, "store.db") });
    const devices = Array.from(
      { length: 50 },
      (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    );
    const text = `${"x".repeat(39)}\n`;
    for (let round = 0; round < 100; round++)
      await t.store.database.write((tx) => {
        for (const device of devices) t.store.logs.append(tx, device, "this", [{ text, stampMs: 1.7e12 }]);
      });
    const pages = Number(t.store.database.get("PRAGMA page_count")?.page_count);
    const pageBytes = Number(t.store.database.get("PRAGMA page_size")?.page_size);
    assert.ok(pages * pageBytes <= (await t.bytes()), `${pages * pageBytes} of ${await t.bytes()} bytes`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
