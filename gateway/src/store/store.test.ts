import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Metrics } from "../foundation/metrics.ts";
import { openStore } from "./store.ts";

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "motelet-store-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function memoryStore(options: { bootBytes?: number; totalBytes?: number; maxQueuedWrites?: number } = {}) {
  const metrics = new Metrics();
  const logLimits = { bootBytes: options.bootBytes ?? 100_000, totalBytes: options.totalBytes ?? 1e9 };
  const { maxQueuedWrites = 100 } = options;
  return { metrics, store: openStore({ path: ":memory:", metrics, logLimits, maxQueuedWrites }) };
}

const line = (text: string, stampMs = 0) => ({ text: `${text}\n`, stampMs });

test("what was written is there after the store is opened again", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "deep", "store.db");
  {
    using store = openStore({ path, metrics: new Metrics() });
    await store.keyValues.put("session/a", { sid: 7 });
    await store.database.write((tx) => store.logs.append(tx, "a", "this", [line("hello")]));
  }
  using store = openStore({ path, metrics: new Metrics() });
  assert.deepEqual(store.keyValues.get("session/a"), { sid: 7 });
  assert.equal(store.logs.after("a", 0, 10)[0]?.text, "hello\n");
});

test("only its owner can read the store", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.db");
  await writeFile(path, "", { mode: 0o644 });
  using store = openStore({ path, metrics: new Metrics() });
  await store.keyValues.put("session/a", {});
  for (const name of await readdir(folder.path))
    assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600, name);
});

test("a second process on the same file is told that the store is in use", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.db");
  using _first = openStore({ path, metrics: new Metrics() });
  assert.throws(() => openStore({ path, metrics: new Metrics() }), { code: "STORE_LOCKED" });
});

test("a store of a newer gateway is refused", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.db");
  {
    using store = openStore({ path, metrics: new Metrics() });
    store.database.all("PRAGMA user_version=99");
  }
  assert.throws(() => openStore({ path, metrics: new Metrics() }), { code: "STORE_TOO_NEW" });
});

test("after kill -9 everything that was reported as written is there, content and position alike", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.db");
  const script = `
    import { openStore } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
    import { Metrics } from ${JSON.stringify(new URL("../foundation/metrics.ts", import.meta.url).href)};
    const store = openStore({ path: ${JSON.stringify(path)}, metrics: new Metrics() });
    setInterval(() => undefined, 1_000);
    let from;
    for (let seq = 1; ; seq++) {
      const to = { epoch: 1, seq };
      await store.database.write((tx) => {
        store.journal.advance(tx, "a", from, to);
        store.logs.append(tx, "a", "this", [{ stampMs: seq, text: seq + "\\n" }]);
      });
      from = to;
      process.stdout.write(seq + "\\n");
    }`;
  const child = spawn(
    process.execPath,
    ["--input-type=module-typescript", "--conditions=motelet-source", "-e", script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let acked = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    acked = Number(text.trim().split("\n").at(-1));
    if (acked >= 5) child.kill("SIGKILL");
  });
  await once(child, "close", { signal: AbortSignal.timeout(60_000) });
  using store = openStore({ path, metrics: new Metrics() });
  const position = store.journal.position("a");
  const stored = store.logs.after("a", 0, 1_000_000);
  assert.ok(position && position.seq >= acked && acked >= 5);
  assert.deepEqual(
    stored.map((entry) => Number(entry.text)),
    Array.from({ length: position.seq }, (_, index) => index + 1),
  );
});

test("a full disk fails the write with STORE_FULL, keeps nothing of it and is counted", async () => {
  const { store, metrics } = memoryStore({ bootBytes: 1e9 });
  store.database.all("PRAGMA max_page_count=40");
  const big = line("x".repeat(500_000));
  await assert.rejects(
    store.database.write((tx) => {
      store.journal.advance(tx, "a", undefined, { epoch: 1, seq: 1 });
      store.logs.append(tx, "a", "this", [big]);
    }),
    { code: "STORE_FULL", name: "InternalError" },
  );
  assert.equal(store.journal.position("a"), undefined);
  assert.equal(await metrics.valueOf("motelet_store_failures_total", { code: "STORE_FULL" }), 1);
  await store.keyValues.put("small", 1);
  assert.equal(store.keyValues.get("small"), 1);
});

test("a full disk makes the store unhealthy until a write would be kept again, and no sooner", async () => {
  const { store } = memoryStore({ bootBytes: 1e9 });
  // Taken for the present size if it is less than that.
  store.database.all("PRAGMA max_page_count=1");
  assert.equal(store.database.unhealthyReason(), undefined);
  const big = line("x".repeat(500_000));
  const written = store.database.write((tx) => store.logs.append(tx, "a", "this", [big]));
  await assert.rejects(written, { code: "STORE_FULL" });
  const reason = "the store did not keep a write: the disk is full";
  for (let times = 0; times < 2; times++) {
    assert.equal(store.database.unhealthyReason(), reason);
    store.database.flush();
  }
  store.database.all("PRAGMA max_page_count=1000000");
  assert.equal(store.database.unhealthyReason(), reason);
  store.database.flush();
  assert.equal(store.database.unhealthyReason(), undefined);
  assert.equal(store.database.get("SELECT name FROM sqlite_schema WHERE name = 'tried_out'"), undefined);
});

test("a write that only its caller got wrong leaves the store healthy", async () => {
  const { store } = memoryStore();
  const twice = store.database.write((tx) => {
    for (let times = 0; times < 2; times++) tx.run("INSERT INTO key_values VALUES ('same', '1')");
  });
  await assert.rejects(twice, { code: "STORE_WRITE" });
  assert.equal(store.database.unhealthyReason(), undefined);
});

test("one bad write of a group fails alone", async () => {
  const { store } = memoryStore();
  const good = store.keyValues.put("a", 1);
  const bad = store.database.write(() => {
    throw new RangeError("bad");
  });
  const other = store.keyValues.put("b", 2);
  await assert.rejects(bad, RangeError);
  await Promise.all([good, other]);
  assert.deepEqual([store.keyValues.get("a"), store.keyValues.get("b")], [1, 2]);
});

test("writes at the queue's bound are kept, one past it is refused and counted", async () => {
  const { store, metrics } = memoryStore({ maxQueuedWrites: 2 });
  const kept = [store.keyValues.put("a", 1), store.keyValues.put("b", 1)];
  await assert.rejects(store.keyValues.put("c", 1), { code: "STORE_OVERLOADED" });
  await Promise.all(kept);
  assert.equal(await metrics.valueOf("motelet_store_failures_total"), 1);
});

test("a position moves only from where its writer saw it", async () => {
  const { store } = memoryStore();
  const advance = (from: number | undefined, to: number, epoch = 1) =>
    store.database.write((tx) =>
      store.journal.advance(tx, "a", from === undefined ? undefined : { epoch, seq: from }, {
        epoch,
        seq: to,
      }),
    );
  await advance(undefined, 1);
  await advance(1, 2);
  await assert.rejects(advance(1, 2), { code: "JOURNAL_MOVED" });
  await assert.rejects(advance(undefined, 9), { code: "JOURNAL_MOVED" });
  await advance(undefined, 5, 2);
  assert.deepEqual(store.journal.position("a"), { epoch: 2, seq: 5 });
});

test("a new boot keeps the log of the one before and drops older ones", async () => {
  const { store } = memoryStore();
  const boot = (boot: number, sinceMs = 1e9) =>
    store.database.write((tx) => store.logs.beginBoot(tx, "a", boot, sinceMs));
  const append = (text: string, stampMs = 0, choice: "this" | "previous" = "this") =>
    store.database.write((tx) => store.logs.append(tx, "a", choice, [line(text, stampMs)]));
  const texts = (choice: "this" | "previous") =>
    store.logs.page("a", choice, { afterId: 0, throughId: 1e9 }, 100).map((entry) => entry.text.trim());

  await append("before hello");
  await boot(1);
  assert.deepEqual(texts("this"), ["before hello"]);
  assert.equal(store.logs.has("a", "previous"), false);
  await append("one");
  await append("banner of two", 500);
  await boot(2, 500);
  await append("last words", 600, "previous");
  await append("two");
  assert.deepEqual(texts("previous"), ["before hello", "one", "last words"]);
  assert.deepEqual(texts("this"), ["banner of two", "two"]);
  await boot(2);
  assert.deepEqual(texts("this"), ["banner of two", "two"]);
  await boot(3);
  assert.deepEqual(texts("previous"), ["banner of two", "two"]);
  assert.equal(store.logs.after("a", 0, 100).length, 2);
});

test("the tail counts whole lines, parts belong to their line", async () => {
  const { store } = memoryStore();
  const parts = ["one\n", "tw", "o\n", "three\n", "> "].map((text) => ({ text, stampMs: 0 }));
  await store.database.write((tx) => store.logs.append(tx, "a", "this", parts));
  const tail = (lines: number) => {
    const throughId = store.logs.lastId("a");
    const afterId = store.logs.tailStart("a", "this", throughId, lines);
    return store.logs
      .page("a", "this", { afterId, throughId }, 100)
      .map((entry) => entry.text)
      .join("");
  };
  assert.deepEqual([0, 1, 2, 3, 4, 9].map(tail), [
    "",
    "> ",
    "three\n> ",
    "two\nthree\n> ",
    "one\ntwo\nthree\n> ",
    "one\ntwo\nthree\n> ",
  ]);
});

test("a forgotten device leaves nothing", async () => {
  const { store } = memoryStore();
  await store.keyValues.put("session/a", 1);
  await store.database.write((tx) => store.logs.append(tx, "a", "this", [line("x")]));
  assert.deepEqual(store.devices(), ["a"]);
  await store.forget("a");
  assert.deepEqual(
    [store.keyValues.get("session/a"), store.devices(), store.logs.has("a", "this")],
    [undefined, [], false],
  );
});
