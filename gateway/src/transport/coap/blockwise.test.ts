import assert from "node:assert/strict";
import { test } from "node:test";
import { Blockwise } from "./blockwise.ts";
import { defaultCoapLimits } from "./coap-limits.ts";
import { AddressBudget } from "./message/amplification.ts";
import { blockOption, parseBlock } from "./message/block.ts";
import { content, encodedLength, type MessageContent } from "./message/codec.ts";
import { Code } from "./message/codes.ts";
import { type CoapOption, Option } from "./message/options.ts";
import type { Peer } from "./message/peer.ts";
import type { CoapRequest } from "./resources/resource.ts";

function startBlockwise(body: Uint8Array = Uint8Array.of(1)) {
  const blockwise = new Blockwise({
    limits: { ...defaultCoapLimits, bodyBytes: 64 },
    nowMs: () => 0,
    demandEcho: () => content(Code.unauthorized),
  });
  const bodies: Uint8Array[] = [];
  const budget = new AddressBudget();
  const ask = (
    parts: { options?: CoapOption[]; payload?: Uint8Array; name?: string } = {},
  ): MessageContent => {
    const { options = [], payload = new Uint8Array(0), name = "a" } = parts;
    const request: CoapRequest = {
      peer: { name, budget } as unknown as Peer,
      messageId: 1,
      tokenBytes: 2,
      code: Code.fetch,
      options,
      payload,
      identity: undefined,
      observe: () => undefined,
    };
    const response = blockwise.handle(request, "x", ({ payload: whole }) => {
      bodies.push(whole);
      return content(Code.content, body);
    });
    assert.ok(response && !(response instanceof Promise));
    return response;
  };
  return { ask, bodies, budget };
}

const block1 = (number: number, more: boolean) => blockOption(Option.block1, { number, more, size: 16 });
const tag = (...value: number[]) => ({ number: Option.requestTag, value: Uint8Array.from(value) });
const part = (fill: number, length = 16) => new Uint8Array(length).fill(fill);

test("a request in blocks reaches the resource once, whole, and each block is acknowledged", () => {
  const { ask, bodies, budget } = startBlockwise();
  budget.verify();
  const first = ask({ options: [block1(0, true)], payload: part(1) });
  assert.equal(first.code, Code.continue);
  assert.deepEqual(parseBlock(first.options, Option.block1), { number: 0, more: true, size: 16 });
  const last = ask({ options: [block1(1, false)], payload: part(2, 4) });
  assert.equal(last.code, Code.content);
  assert.deepEqual(parseBlock(last.options, Option.block1), { number: 1, more: false, size: 16 });
  assert.deepEqual(
    bodies.map((each) => [...each]),
    [[...part(1), ...part(2, 4)]],
  );
});

test("blocks of requests with different Request-Tags, or of different clients, are never mixed", () => {
  const { ask, bodies, budget } = startBlockwise();
  budget.verify();
  ask({ options: [block1(0, true), tag(1)], payload: part(1) });
  ask({ options: [block1(0, true), tag(2)], payload: part(2) });
  assert.equal(ask({ options: [block1(1, false)], payload: part(3) }).code, Code.requestEntityIncomplete);
  assert.equal(
    ask({ options: [block1(1, false), tag(1)], payload: part(1), name: "b" }).code,
    Code.requestEntityIncomplete,
  );
  // An empty tag is another one than none.
  assert.equal(
    ask({ options: [block1(1, false), tag()], payload: part(3) }).code,
    Code.requestEntityIncomplete,
  );
  ask({ options: [block1(1, false), tag(2)], payload: part(2) });
  assert.deepEqual(
    bodies.map((each) => [...each]),
    [[...part(2), ...part(2)]],
  );
});

test("a body that is longer than the limit is refused by 4.13", () => {
  const { ask, bodies, budget } = startBlockwise();
  budget.verify();
  for (const number of [0, 1, 2, 3])
    assert.equal(ask({ options: [block1(number, true)], payload: part(1) }).code, Code.continue);
  assert.equal(ask({ options: [block1(4, false)], payload: part(1, 1) }).code, Code.requestEntityTooLarge);
  assert.deepEqual(bodies, []);
});

test("a response of 1,024 bytes is whole, and one byte more is two blocks with an ETag", () => {
  const whole = startBlockwise(new Uint8Array(1_024));
  whole.budget.verify();
  assert.equal(parseBlock(whole.ask().options, Option.block2), undefined);
  const divided = startBlockwise(new Uint8Array(1_025));
  divided.budget.verify();
  const first = divided.ask();
  assert.equal(first.payload.length, 1_024);
  assert.deepEqual(parseBlock(first.options, Option.block2), { number: 0, more: true, size: 1_024 });
  const last = divided.ask({
    options: [blockOption(Option.block2, { number: 1, more: false, size: 1_024 })],
  });
  assert.equal(last.payload.length, 1);
  const etag = ({ options }: MessageContent) => options.find(({ number }) => number === Option.etag)?.value;
  assert.deepEqual(etag(last), etag(first));
});

test("for every budget, a response is within it or asks for an Echo value", () => {
  for (let received = 1; received < 60; received++) {
    const { ask, budget } = startBlockwise(new Uint8Array(100));
    budget.received(received);
    const response = ask();
    if (response.code === Code.unauthorized) continue;
    assert.ok(encodedLength(response, 2) <= 3 * received, String(received));
    assert.ok(response.payload.length >= 16);
  }
});
