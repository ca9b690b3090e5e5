import assert from "node:assert/strict";
import { test } from "node:test";
import { content } from "./codec.ts";
import { Code } from "./codes.ts";
import { MessageIds } from "./message-ids.ts";
import { type DeliveryResult, Outbox, type OutgoingMessage } from "./outbox.ts";
import { defaultParameters, firstTimeoutMs } from "./parameters.ts";

/** An outbox whose datagrams are lines of text: type and number of the message, `again` for a retransmission. */
function startOutbox(
  options: { nstart?: number; exchanges?: number; queued?: number; isHeard?: boolean } = {},
) {
  const { isHeard = false, nstart = 1, exchanges = 8, queued = 8 } = options;
  const sent: string[] = [];
  const ids: number[] = [];
  const outbox = new Outbox({
    parameters: { ...defaultParameters, nstart },
    limits: { exchanges, queued },
    ids: new MessageIds(defaultParameters.exchangeLifetimeMs, 0),
    port: {
      transmit: ({ token }, type, messageId) => {
        sent.push(`${type} ${token[0]}`);
        ids.push(messageId);
        return token;
      },
      retransmit: (bytes) => void sent.push(`again ${bytes[0]}`),
      gaveUp: (sentMs) => {
        sent.push(`given up after ${sentMs}`);
        return isHeard ? "lost" : "timed-out";
      },
    },
  });
  const results = new Map<number, DeliveryResult>();
  const message = (number: number, mayBeNonConfirmable = true): OutgoingMessage => ({
    token: Uint8Array.of(number),
    content: content(Code.content),
    mayBeNonConfirmable,
    ended: (result) => void results.set(number, result),
  });
  return { outbox, sent, ids, results, message };
}

test("a confirmable message is retransmitted after 2–3 s, doubling, four times, and then given up", () => {
  assert.equal(firstTimeoutMs(defaultParameters, 0), 2_000);
  assert.equal(firstTimeoutMs(defaultParameters, 0.5), 2_500);
  assert.ok(firstTimeoutMs(defaultParameters, 0.999_999) < 3_000);
  const { outbox, sent, results, message } = startOutbox();
  outbox.push(message(1), 0, 0.5);
  const times: number[] = [];
  while (outbox.dueMs !== undefined) {
    const dueMs = outbox.dueMs;
    outbox.poll(dueMs - 1, 0);
    assert.equal(outbox.dueMs, dueMs, "nothing happens before it is due");
    outbox.poll(dueMs, 0);
    times.push(dueMs);
  }
  assert.deepEqual(times, [2_500, 7_500, 17_500, 37_500, 77_500]);
  assert.deepEqual(sent, ["CON 1", "again 1", "again 1", "again 1", "again 1", "given up after 0"]);
  assert.equal(results.get(1), "timed-out");
});

test("an acknowledgement ends retransmission; a second one, or one for another id, changes nothing", () => {
  const { outbox, ids, results, message } = startOutbox();
  outbox.push(message(1), 0, 0);
  assert.equal(outbox.settle((ids[0] as number) + 1, "acknowledged", 10, 0), false);
  assert.equal(outbox.settle(ids[0] as number, "acknowledged", 10, 0), true);
  assert.equal(outbox.settle(ids[0] as number, "acknowledged", 10, 0), false);
  assert.equal(outbox.dueMs, undefined);
  assert.equal(results.get(1), "acknowledged");
});

test("behind an unacknowledged message up to 7 more go out, 8 wait, and one more is dropped", () => {
  const { outbox, sent, ids, message } = startOutbox();
  for (let number = 1; number <= 16; number++)
    assert.equal(outbox.push(message(number), 0, 0), true, `${number}`);
  assert.deepEqual(sent, ["CON 1", ...[2, 3, 4, 5, 6, 7, 8].map((number) => `NON ${number}`)]);
  assert.equal(outbox.push(message(17), 0, 0), false);
  outbox.settle(ids[0] as number, "acknowledged", 10, 0);
  assert.deepEqual(sent.slice(8), [
    "CON 9",
    ...[10, 11, 12, 13, 14, 15, 16].map((number) => `NON ${number}`),
  ]);
});

test("what must be confirmable waits until NSTART allows it, and what comes later stays behind it", () => {
  const { outbox, sent, ids, message } = startOutbox();
  outbox.push(message(1), 0, 0);
  outbox.push(message(2, false), 0, 0);
  outbox.push(message(3), 0, 0);
  assert.deepEqual(sent, ["CON 1"]);
  outbox.settle(ids[0] as number, "acknowledged", 10, 0);
  assert.deepEqual(sent, ["CON 1", "CON 2", "NON 3"]);
});

test("NSTART confirmable messages are unacknowledged, and never more", () => {
  const { outbox, sent, message } = startOutbox({ nstart: 2 });
  for (const number of [1, 2, 3]) outbox.push(message(number, false), 0, 0);
  assert.deepEqual(sent, ["CON 1", "CON 2"]);
});

test("a reset ends a confirmable and a non-confirmable message alike", () => {
  const { outbox, ids, results, message } = startOutbox();
  outbox.push(message(1), 0, 0);
  outbox.push(message(2), 0, 0);
  assert.equal(outbox.settle(ids[1] as number, "reset", 5, 0), true);
  assert.equal(results.get(2), "reset");
  assert.equal(outbox.settle(ids[0] as number, "reset", 5, 0), true);
  assert.equal(results.get(1), "reset");
});

test("the last 16 non-confirmable messages can be reset, and an older one cannot", () => {
  const { outbox, ids, message } = startOutbox({ exchanges: 100 });
  for (let number = 1; number <= 18; number++) outbox.push(message(number), 0, 0);
  assert.equal(outbox.settle(ids[1] as number, "reset", 5, 0), false);
  assert.equal(outbox.settle(ids[2] as number, "reset", 5, 0), true);
});

test("a sender that is forgotten has nothing sent or retransmitted any more", () => {
  const { outbox, sent, message } = startOutbox({ exchanges: 1 });
  for (const number of [1, 1, 2]) outbox.push(message(number), 0, 0);
  outbox.forget(({ token }) => token[0] === 1);
  outbox.poll(60_000, 0);
  assert.deepEqual(sent, ["CON 1", "CON 2"]);
});

test("a message id is not used again within its lifetime", () => {
  const ids = new MessageIds(247_000, 0.5);
  const first = ids.take(0);
  assert.equal(first, 32_768);
  const seen = new Set<number | undefined>([first]);
  for (let count = 1; count < 65_536; count++) seen.add(ids.take(1));
  assert.equal(seen.size, 65_536);
  assert.equal(ids.take(246_999), undefined);
  assert.equal(ids.take(247_001), 32_768);
});
