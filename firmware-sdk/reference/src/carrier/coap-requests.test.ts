import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CoapCode, type CoapMessage, decodeCoap } from "./coap-message.ts";
import { type CoapRequest, CoapRequests } from "./coap-requests.ts";

const rtoMs = 1_000;

function startRequests({ refusesToProtect = false } = {}) {
  const sent: CoapMessage[] = [];
  const gaveUp: number[] = [];
  const requests = new CoapRequests({
    protection: {
      sequenceBits: 24,
      protect: (content) =>
        refusesToProtect ? undefined : { content, open: (response) => ({ content: response }) },
    },
    rtoMs,
    random: () => 0,
    port: {
      compose: ({ kind, message }) => ({
        code: kind === "post" ? CoapCode.post : CoapCode.fetch,
        options: [],
        payload: message,
      }),
      transmit: (bytes) => void sent.push(decodeCoap(Buffer.from(bytes)) as CoapMessage),
      gaveUp: (sentMs) => void gaveUp.push(sentMs),
    },
  });
  const push = (kind: CoapRequest["kind"], mustBeConfirmable: boolean, nowMs = 0) =>
    requests.push({ kind, message: Uint8Array.of(1), mustBeConfirmable }, nowMs);
  /** The gateway answers the message that went out as this one. @returns whether the answer is handled */
  const answer = (index: number, nowMs = 0) => {
    const request = requests.find(sent[index] as CoapMessage);
    return request && requests.answered(request, nowMs);
  };
  return { requests, sent, gaveUp, push, answer };
}

suite("the requests of a device", () => {
  test("sends at most eight without an answer; 64 more wait, and further ones are dropped", () => {
    const { sent, push, answer } = startRequests();
    const taken = Array.from({ length: 8 + 64 + 1 }, () => push("post", false));
    assert.deepEqual([taken.indexOf(false), sent.length], [72, 8]);
    assert.ok(answer(0));
    assert.equal(sent.length, 9);
    assert.equal(push("post", false), true);
  });

  test("has one confirmable message out, and lets others pass the next one", () => {
    const { requests, sent, push } = startRequests();
    push("post", false);
    push("post", true);
    push("post", false);
    assert.deepEqual(
      sent.map(({ type }) => type),
      ["CON", "NON"],
    );
    assert.ok(requests.acknowledged(sent[0]?.messageId ?? -1, 0));
    assert.deepEqual(
      sent.map(({ type }) => type),
      ["CON", "NON", "CON"],
    );
  });

  test("repeats a confirmable message after 1, 2, 4 and 8 rto with the same bytes, and gives up 16 rto later", () => {
    const { requests, sent, gaveUp, push } = startRequests();
    push("post", false);
    const dueMs: number[] = [];
    while (requests.dueMs < Number.POSITIVE_INFINITY) {
      dueMs.push(requests.dueMs);
      requests.poll(requests.dueMs);
    }
    assert.deepEqual(dueMs, [1_000, 3_000, 7_000, 15_000, 31_000]);
    assert.equal(sent.length, 5);
    assert.ok(sent.every((message) => message.messageId === sent[0]?.messageId));
    assert.deepEqual(gaveUp, [0]);
    assert.ok(requests.isIdle);
  });

  test("never repeats a non-confirmable one, and takes it for lost after rto or when a third later one was answered", () => {
    const { requests, sent, gaveUp, push, answer } = startRequests();
    for (let count = 0; count < 16; count++) push("post", false);
    // Lost: 1 and 2 of the eight. Answered: 5. The first one is confirmable. So three more go out.
    answer(5);
    assert.equal(sent.length, 11);
    requests.poll(rtoMs);
    assert.equal(gaveUp.length, 0);
    // All have gone out, and only the confirmable one twice.
    const repeated = sent.filter(({ messageId }) => messageId === sent[0]?.messageId);
    assert.deepEqual([sent.length, repeated.length], [17, 2]);
    assert.equal(new Set(sent.map(({ messageId }) => messageId)).size, 16);
  });

  test("handles one answer a request, and none when 32 messages were sent since", () => {
    const { sent, push, answer } = startRequests();
    push("post", false);
    assert.equal(answer(0), true);
    assert.equal(answer(0), false);
    push("post", false);
    for (let count = 2; count < 2 + 31; count++) {
      push("post", false);
      answer(count);
    }
    assert.equal(answer(1), true);
    push("post", false);
    const late = sent.length - 1;
    for (let count = late + 1; count < late + 1 + 32; count++) {
      push("post", false);
      answer(count);
    }
    // Its token is forgotten.
    assert.equal(answer(late), undefined);
  });

  test("forgets what was before a hello, and knows the tokens of the last eight", () => {
    const { requests, sent, push, answer } = startRequests();
    for (let count = 0; count < 12; count++) push("post", true);
    assert.equal(sent.length, 1);
    push("hello", true);
    assert.deepEqual([sent.length, sent[1]?.type], [2, "CON"]);
    assert.equal(answer(0), undefined);
    for (let count = 0; count < 8; count++) push("hello", true);
    assert.equal(requests.find(sent[1] as CoapMessage), undefined);
    assert.ok(requests.find(sent[2] as CoapMessage));
  });

  test("loses what cannot be protected now", () => {
    const { requests, sent, push } = startRequests({ refusesToProtect: true });
    assert.equal(push("hello", true), true);
    assert.deepEqual([sent.length, requests.isIdle], [0, true]);
  });
});
