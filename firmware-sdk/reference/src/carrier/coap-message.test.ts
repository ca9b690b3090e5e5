import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoapMessage, coapOption, coapUint, decodeCoap, encodeCoap, textOf } from "./coap-message.ts";
import { parseCoapUrl } from "./coap-socket.ts";

test("a message is the same after encoding and decoding", () => {
  const message: CoapMessage = {
    type: "CON",
    code: 0x45,
    messageId: 0xabcd,
    token: Buffer.from("0102", "hex"),
    options: [
      { number: 6, value: Buffer.from("0100", "hex") },
      { number: 14, value: Buffer.of(5) },
      { number: 252, value: Buffer.from("echo") },
    ],
    payload: Buffer.from("810a", "hex"),
  };
  const decoded = decodeCoap(encodeCoap(message));
  assert.deepEqual(decoded, message);
  assert.ok(decoded);
  assert.deepEqual([coapUint(decoded, 6), coapUint(decoded, 14), coapUint(decoded, 12)], [256, 5, undefined]);
  assert.equal(coapOption(decoded, 252)?.toString(), "echo");
  assert.equal(textOf(0x81), "4.01");
});

test("what is no message of CoAP is none, and never throws", () => {
  for (const hex of [
    "",
    "40",
    "4045",
    "6f450001",
    "4945000100010203",
    "8045000100",
    "404500016d",
    "40450001fe",
  ])
    assert.equal(decodeCoap(Buffer.from(hex, "hex")), undefined, hex);
  assert.equal(decodeCoap(Buffer.concat([Buffer.from("40450001ff", "hex"), Buffer.alloc(1_280)])), undefined);
});

test("a response with a critical option that is not known is unusable; an elective one is not", () => {
  const unknown = (number: string) => Buffer.from(`40450001${number}`, "hex");
  // If-Match (1), ETag (4), and the numbers 2051 and 2050, which nobody has.
  assert.equal(decodeCoap(unknown("10")), undefined);
  assert.ok(decodeCoap(unknown("4101")));
  assert.equal(decodeCoap(unknown("e006f6")), undefined);
  assert.ok(decodeCoap(unknown("e006f5")));
});

test("a CoAP URL names a host and perhaps a port", () => {
  assert.deepEqual(parseCoapUrl("coap://127.0.0.1:1234"), { host: "127.0.0.1", port: 1234 });
  assert.deepEqual(parseCoapUrl("coap://gateway"), { host: "gateway", port: 5683 });
  assert.deepEqual(parseCoapUrl("coap://[::1]:5684/"), { host: "::1", port: 5684 });
  for (const text of [
    "",
    "gateway",
    "coaps://gateway",
    "coap://",
    "coap://u@host",
    "coap://host/m",
    "coap://host:99999",
  ])
    assert.throws(() => parseCoapUrl(text), /expected coap:\/\/host/, text);
});
