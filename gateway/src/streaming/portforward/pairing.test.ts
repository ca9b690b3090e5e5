import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { SpdyStream } from "../spdy/stream.ts";
import type { ForwardPair } from "./forward-pair.ts";
import { Pairing, parsePort } from "./pairing.ts";

function pairing(limit = 2) {
  const clock = new ManualClock();
  const refused: string[] = [];
  const pairs: ForwardPair[] = [];
  const ends: (() => void)[] = [];
  const table = new Pairing({
    clock,
    limit,
    timeoutMs: 30_000,
    onRefused: (reason) => refused.push(reason),
    onPair(pair) {
      pairs.push(pair);
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  const sent: string[] = [];
  const stream = (id: number, headers: Readonly<Record<string, string>>) =>
    new SpdyStream(id, new Map(Object.entries(headers)), {
      sendReply: (of) => void sent.push(`reply ${of}`),
      sendData: async (of, bytes, fin) => void sent.push(`${of} ${Buffer.from(bytes)}${fin ? " FIN" : ""}`),
      sendReset: (of) => void sent.push(`reset ${of}`),
      crowded: () => undefined,
      ended: () => undefined,
    });
  const open = (id: number, headers: Readonly<Record<string, string>>) => {
    const opened = stream(id, headers);
    const isAccepted = table.accept(opened);
    if (isAccepted) opened.accepted();
    return isAccepted;
  };
  return { clock, refused, pairs, ends, table, sent, open, stream };
}

const error = (requestid: string) => ({ streamtype: "error", port: "80", requestid });
const data = (requestid: string) => ({ streamtype: "data", port: "80", requestid });

test("error and data of one request are a pair; only the error stream is replied to at once", async () => {
  const { open, pairs, sent, table } = pairing();
  assert.ok(open(1, error("a")));
  assert.ok(open(3, data("a")));
  await Promise.resolve();
  assert.equal(pairs.length, 1);
  assert.equal(pairs[0]?.port, 80);
  assert.deepEqual(sent, ["reply 1"]);
  pairs[0]?.data.reply?.();
  assert.deepEqual(sent, ["reply 1", "reply 3"]);
  assert.equal(table.size, 1);
});

test("a data stream that comes first is replied to, or its client would never open the other", async () => {
  const { open, pairs, sent } = pairing();
  open(1, data("a"));
  open(3, error("a"));
  await Promise.resolve();
  assert.deepEqual(sent, ["reply 1", "reply 3"]);
  assert.equal(pairs.length, 1);
});

test("without a request id, ids two apart are a pair", async () => {
  const { open, pairs } = pairing(4);
  open(1, { streamtype: "error", port: "80" });
  open(5, { streamtype: "error", port: "81" });
  open(7, { streamtype: "data", port: "81" });
  open(3, { streamtype: "data", port: "80" });
  await Promise.resolve();
  assert.deepEqual(
    pairs.map(({ port }) => port),
    [81, 80],
  );
});

test("as many pairs as the limit, whole or half; one more is refused until one has ended", async () => {
  const { open, ends, refused, table } = pairing(2);
  open(1, error("a"));
  open(3, data("a"));
  open(5, error("b"));
  await Promise.resolve();
  assert.equal(table.size, 2);
  assert.equal(open(7, error("c")), false);
  assert.deepEqual(refused, ["PAIRS_TOO_MANY"]);
  ends[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open(9, error("c")), true);
});

test("half a pair is told after 30 s and forgotten; at 29,999 ms it can still be completed", async () => {
  const late = pairing();
  late.open(1, error("a"));
  late.clock.advance(30_000);
  assert.deepEqual(late.refused, ["PAIR_LATE"]);
  assert.ok(late.sent.includes("1 (request=a) timed out waiting for streams"));
  assert.ok(late.sent.includes("1  FIN"));
  assert.equal(late.table.size, 0);
  const inTime = pairing();
  inTime.open(1, error("a"));
  inTime.clock.advance(29_999);
  inTime.open(3, data("a"));
  inTime.clock.advance(30_000);
  assert.deepEqual(inTime.refused, []);
  assert.equal(inTime.table.size, 1);
});

test("a data stream alone is reset after 30 s, and one that its client takes back makes room", () => {
  const { open, clock, sent, table, stream } = pairing();
  open(1, data("a"));
  clock.advance(30_000);
  assert.equal(sent.at(-1), "reset 1");
  assert.equal(table.size, 0);
  const taken = stream(3, error("b"));
  table.accept(taken);
  assert.equal(table.size, 1);
  taken.fail(new RangeError("reset by the peer"));
  return Promise.resolve().then(() => assert.equal(table.size, 0));
});

for (const [text, port] of [
  ["1", 1],
  ["65535", 65_535],
  ["0", undefined],
  ["65536", undefined],
  ["-1", undefined],
  ["80 ", undefined],
  ["", undefined],
  [undefined, undefined],
] as const) {
  test(`${JSON.stringify(text)} is ${port === undefined ? "no port" : `port ${port}`}`, () => {
    assert.equal(parsePort(text), port);
  });
}
