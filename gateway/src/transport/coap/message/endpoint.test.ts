import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, EndpointTestBed, ok } from "../../../../test/coap/endpoint-bed.ts";
import type { MessageContent } from "./codec.ts";
import { Code } from "./codes.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a confirmable request gets its response in the acknowledgement", () => {
  const bed = new EndpointTestBed(() => ok);
  bed.receive({ messageId: 77 });
  const [reply] = bed.take();
  assert.deepEqual(reply, { ...ok, type: "ACK", messageId: 77, token: Uint8Array.of(0xaa) });
});

test("a non-confirmable request gets a non-confirmable response with an id of the gateway's own", () => {
  const bed = new EndpointTestBed(() => ok);
  bed.receive({ type: "NON", messageId: 77 });
  bed.receive({ type: "NON", messageId: 78 });
  const replies = bed.take();
  assert.deepEqual(
    replies.map(({ type }) => type),
    ["NON", "NON"],
  );
  assert.notEqual(replies[0]?.messageId, replies[1]?.messageId);
});

test("a duplicate gets the same reply again, and the request is carried out once", () => {
  const bed = new EndpointTestBed(() => ok);
  for (let count = 0; count < 3; count++) bed.receive({ messageId: 5 });
  const replies = bed.sent.map(({ bytes }) => Buffer.from(bytes).toString("hex"));
  assert.equal(bed.handled.length, 1);
  assert.equal(replies.length, 3);
  assert.equal(new Set(replies).size, 1);
  bed.receive({ type: "NON", messageId: 6 });
  bed.take();
  bed.receive({ type: "NON", messageId: 6 });
  assert.deepEqual(bed.take(), []);
  assert.equal(bed.handled.length, 2);
});

test("equal message ids of two peers, or after EXCHANGE_LIFETIME, are different requests", () => {
  const bed = new EndpointTestBed(() => ok);
  bed.receive({ messageId: 5 }, alice);
  bed.receive({ messageId: 5 }, bob);
  bed.receive({ messageId: 5 }, { ...alice, port: 5_684 });
  assert.equal(bed.handled.length, 3);
  bed.clock.advance(247_000);
  bed.receive({ messageId: 5 }, alice);
  assert.equal(bed.handled.length, 4);
  assert.deepEqual(bed.handled.map(({ peer }) => peer.name).slice(0, 2), [
    "192.0.2.7:5683",
    "[2001:db8::1]:40000",
  ]);
});

test("a response that is late is separate: an empty acknowledgement first, then a confirmable response", async () => {
  const { promise, resolve } = Promise.withResolvers<MessageContent>();
  const bed = new EndpointTestBed(() => promise);
  bed.receive({ messageId: 9 });
  bed.receive({ messageId: 9 });
  assert.deepEqual(bed.take(), [], "no reply yet, and none to the duplicate");
  bed.clock.advance(500);
  assert.deepEqual(
    bed.take().map(({ type, code, messageId }) => [type, code, messageId]),
    [["ACK", 0, 9]],
  );
  bed.receive({ messageId: 9 });
  assert.deepEqual(
    bed.take().map(({ type, code }) => [type, code]),
    [["ACK", 0]],
  );
  resolve(ok);
  await settle();
  const [response] = bed.take();
  assert.deepEqual(
    [response?.type, response?.code, response?.token],
    ["CON", Code.content, Uint8Array.of(0xaa)],
  );
  bed.clock.advance(2_000);
  assert.deepEqual(bed.take(), [response], "the same message again");
  bed.receive({ type: "ACK", code: Code.empty, messageId: response?.messageId ?? 0 });
  bed.clock.advance(100_000);
  assert.deepEqual(bed.take(), []);
});

test("a response that comes soon is piggy-backed, although the handler waits for it", async () => {
  const bed = new EndpointTestBed(() => Promise.resolve(ok));
  bed.receive({ messageId: 9 });
  await settle();
  assert.deepEqual(
    bed.take().map(({ type, code }) => [type, code]),
    [["ACK", Code.content]],
  );
  bed.clock.advance(1_000);
  assert.deepEqual(bed.take(), []);
});

test("a handler without a response leaves a confirmable request acknowledged, and another one unanswered", () => {
  const bed = new EndpointTestBed(() => undefined);
  bed.receive({ messageId: 3 });
  bed.receive({ type: "NON", messageId: 4 });
  assert.deepEqual(
    bed.take().map(({ type, code, messageId }) => [type, code, messageId]),
    [["ACK", 0, 3]],
  );
});

test("a handler that fails is answered by 5.00 without the error's words", async () => {
  for (const fail of [() => Promise.reject(new Error("secret")), () => assert.fail("secret")]) {
    const bed = new EndpointTestBed(fail);
    bed.receive();
    await settle();
    const [reply] = bed.take();
    assert.equal(reply?.code, Code.internalServerError);
    assert.equal(reply?.payload.length, 0);
    assert.equal(bed.failures.length, 1);
  }
});

test("a ping, and a response that nobody asked for, are reset and reach no handler", () => {
  const bed = new EndpointTestBed(() => ok);
  bed.receive({ code: Code.empty, messageId: 4 });
  bed.receive({ code: Code.content, messageId: 5 });
  assert.deepEqual(
    bed.take().map(({ type, code, messageId }) => [type, code, messageId]),
    [
      ["RST", 0, 4],
      ["RST", 0, 5],
    ],
  );
  bed.receive({ type: "NON", code: Code.empty, messageId: 6 });
  bed.receive({ type: "NON", code: Code.content, messageId: 7 });
  bed.receive({ type: "ACK", code: Code.content, messageId: 8 });
  bed.receive({ type: "RST", code: Code.empty, messageId: 9 });
  assert.deepEqual(bed.take(), []);
  assert.equal(bed.handled.length, 0);
});

test("a malformed confirmable message is reset, is counted, and makes nobody a peer", async () => {
  const bed = new EndpointTestBed(() => ok);
  bed.endpoint.receive(Uint8Array.of(0x40, 1, 0, 9, 0xff), alice);
  assert.deepEqual(
    bed.take().map(({ type, messageId }) => [type, messageId]),
    [["RST", 9]],
  );
  bed.endpoint.receive(Uint8Array.of(0x50, 1, 0, 9, 0xff), alice);
  assert.deepEqual(bed.take(), []);
  assert.equal(await bed.metrics.valueOf("motelet_coap_malformed_total", { fault: "empty-payload" }), 2);
  assert.equal(await bed.metrics.valueOf("motelet_coap_peers"), 0);
});

test("an address that is not verified never receives more than three times what came from it", async () => {
  const large = { ...ok, payload: new Uint8Array(500) };
  const bed = new EndpointTestBed(() => large);
  bed.receive({ messageId: 1, payload: new Uint8Array(0) });
  assert.deepEqual(bed.take(), []);
  assert.equal(await bed.dropped("amplification"), 1);
  bed.handled[0]?.peer.budget.verify();
  bed.receive({ messageId: 1 });
  assert.equal(bed.take()[0]?.payload.length, 500, "the reply is kept for the duplicate");
});

test("8 requests of one peer are under way; a ninth evicts the first, which is counted", async () => {
  const bed = new EndpointTestBed(() => new Promise(() => {}));
  for (let messageId = 1; messageId <= 8; messageId++) bed.receive({ messageId });
  assert.equal(await bed.dropped("exchange-evicted"), 0);
  bed.receive({ messageId: 9 });
  assert.equal(await bed.dropped("exchange-evicted"), 1);
});

test("strangers up to the limit are remembered; one more displaces the one that was silent longest", async () => {
  const bed = new EndpointTestBed(() => ok, { strangers: 2 });
  const from = (port: number) => ({ address: "192.0.2.7", port });
  bed.receive({ messageId: 1 }, from(1));
  bed.receive({ messageId: 1 }, from(2));
  bed.receive({ messageId: 1 }, from(1));
  assert.equal(bed.handled.length, 2);
  assert.equal(await bed.dropped("stranger-evicted"), 0);
  bed.receive({ messageId: 1 }, from(3));
  assert.equal(await bed.dropped("stranger-evicted"), 1);
  bed.receive({ messageId: 1 }, from(1));
  assert.equal(bed.handled.length, 3, "the first was heard later than the second, and is still known");
  bed.receive({ messageId: 1 }, from(2));
  assert.equal(bed.handled.length, 4, "the second was forgotten");
});

test("a stranger is forgotten when it was silent for its lifetime and another one comes", async () => {
  const bed = new EndpointTestBed(() => ok, { strangerLifetimeMs: 1_000 });
  bed.receive({}, alice);
  bed.clock.advance(1_001);
  bed.receive({}, bob);
  assert.equal(await bed.metrics.valueOf("motelet_coap_peers", { kind: "stranger" }), 1);
  assert.equal(await bed.dropped("stranger-evicted"), 0);
});
