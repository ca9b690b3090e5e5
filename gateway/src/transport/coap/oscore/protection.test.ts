import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoapMessage, coapOption, optionOf } from "./coap-message.ts";
import { contextPair, hex, message, toHex } from "./oscore-test-bed.ts";
import { encodePlaintext } from "./plaintext.ts";
import {
  protectRequest,
  protectResponse,
  readOscoreOption,
  unprotectRequest,
  unprotectResponse,
} from "./protection.ts";
import { deriveContext } from "./security-context.ts";

const path = Buffer.from("m");
const { device, gateway } = contextPair();

function received(protectedMessage: CoapMessage) {
  const read = readOscoreOption(protectedMessage);
  assert.ok(read.ok);
  return unprotectRequest(gateway, protectedMessage, read.option);
}

const parts = ({ code, options, payload }: CoapMessage) => ({
  code,
  options: options.map(([number, value]) => [number, toHex(value)]),
  payload: toHex(payload),
});

test("path, format and unknown options are encrypted; host, port and hop limit stay visible, in order", () => {
  const options = [3, 7, 11, 12, 16, 39, 252, 2048, 65_001].map((number) => [number, path] as const);
  const request = message(0x02, options, "beat");
  const sent = protectRequest(device, request, 7).message;
  assert.deepEqual(
    sent.options.map(([number]) => number),
    [3, 7, 9, 16, 39],
  );
  const result = received(sent);
  assert.ok(result.ok);
  assert.deepEqual(parts(result.message), parts(request));
});

test("a proxy can neither add an encrypted option nor change code, nor make a registration", () => {
  const sent = protectRequest(device, message(0x01, [[11, path]]), 8).message;
  const tampered = { ...sent, code: 0x04, options: [...sent.options, [12, path], [6, hex("")]] as const };
  const result = received({ ...tampered, options: [...tampered.options].sort(([a], [b]) => a - b) });
  assert.ok(result.ok);
  assert.deepEqual(parts(result.message), parts(message(0x01, [[11, path]])));
});

test("Observe: FETCH and Content outside, the registration's value inside, an empty value in a notification", () => {
  const registration = message(0x05, [
    [coapOption.observe, hex("")],
    [11, path],
  ]);
  const { message: sent, binding } = protectRequest(device, registration, 9);
  assert.equal(sent.code, 0x05);
  const result = received(sent);
  assert.ok(result.ok);
  assert.deepEqual(parts(result.message), parts(registration));

  const notification = message(0x45, [[coapOption.observe, hex("1234")]], "welcome");
  const notified = protectResponse(gateway, notification, result.binding, 3);
  assert.equal(notified.code, 0x45);
  assert.equal(toHex(optionOf(notified, coapOption.observe) ?? path), "1234");
  const read = unprotectResponse(device, notified, binding);
  assert.ok(read.ok);
  assert.equal(read.sequence, 3);
  assert.equal(toHex(optionOf(read.message, coapOption.observe) ?? path), "");

  // An error that ends the observation has no Observe, and so an ordinary code outside.
  assert.equal(protectResponse(gateway, message(0x84), result.binding, 4).code, 0x44);
});

test("a response belongs to one request only", () => {
  const first = protectRequest(device, message(0x01, [[11, path]]), 10);
  const second = protectRequest(device, message(0x01, [[11, path]]), 11);
  const result = received(first.message);
  assert.ok(result.ok);
  for (const sequence of [undefined, 5]) {
    const response = protectResponse(gateway, message(0x45, [], "72"), result.binding, sequence);
    assert.equal(unprotectResponse(device, response, first.binding).ok, true);
    assert.deepEqual(unprotectResponse(device, response, second.binding), {
      ok: false,
      fault: "undecryptable",
    });
  }
});

test("a request is no response, and a response no request", () => {
  const request = protectRequest(device, message(0x45, [], "x"), 12).message;
  assert.deepEqual(received(request), { ok: false, fault: "malformed" });
  assert.deepEqual(readOscoreOption(message(0x02, [[11, path]], "x")), { ok: false, fault: "not-protected" });
  assert.deepEqual(readOscoreOption(message(0x02, [[9, hex("09")]])), { ok: false, fault: "malformed" });
});

test("Proxy-Uri and a message that is protected already are refused before anything is sent", () => {
  for (const number of [coapOption.proxyUri, coapOption.oscore])
    assert.throws(() => protectRequest(device, message(0x01, [[number, path]]), 13), {
      code: "OSCORE_OPTION",
    });
});

test("a sequence number past 40 bits is never used", () => {
  assert.ok(protectRequest(device, message(0x01), 2 ** 40 - 1));
  for (const sequence of [2 ** 40, -1, 0.5])
    assert.throws(() => protectRequest(device, message(0x01), sequence), { code: "OSCORE_SEQUENCE" });
});

test("an ID has at most 7 bytes, and the two sides have different ones", () => {
  const input = { masterSecret: hex("00".repeat(16)), senderId: hex("01".repeat(7)) };
  assert.ok(deriveContext({ ...input, recipientId: hex("") }));
  assert.throws(() => deriveContext({ ...input, recipientId: hex("02".repeat(8)) }), {
    code: "OSCORE_ID_LENGTH",
  });
  assert.throws(() => deriveContext({ ...input, recipientId: hex("01".repeat(7)) }), {
    code: "OSCORE_ID_EQUAL",
  });
});

test("the largest beat has 46 bytes over CoAP with OSCORE: a token of 2, a kid of 2, a Partial IV of 3", () => {
  const options = [
    [11, path],
    [12, hex("3c")],
  ] as const;
  const beat = { ...message(0x02, options), payload: new Uint8Array(18) };
  const sent = protectRequest(device, beat, 2 ** 24 - 1).message;
  // The visible part of a message is written as the hidden one: code, options, payload.
  assert.equal(encodePlaintext(sent).length + 3 + 2, 46);
});
