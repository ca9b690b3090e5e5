import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketScanner } from "./packet-scanner.ts";

function lengthOf(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value % 128) | (value > 127 ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

function packet(type: number, length: number): Uint8Array {
  return Uint8Array.from([type, ...lengthOf(length), ...new Uint8Array(length)]);
}

test("packets are counted whatever way the stream is split", () => {
  const stream = Buffer.concat([packet(0x10, 20), packet(0xc0, 0), packet(0x30, 300), packet(0xc0, 0)]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const scanner = new PacketScanner(300);
    const first = scanner.push(stream.subarray(0, cut));
    const second = scanner.push(stream.subarray(cut));
    assert.equal(Number(first) + Number(second), 4);
  }
});

test("a packet at the limit passes, one byte past it is refused before its body comes", () => {
  assert.equal(new PacketScanner(2048).push(packet(0x10, 2048)), 1);
  assert.equal(new PacketScanner(2048).push(Uint8Array.from([0x10, ...lengthOf(2049)])), "packet-too-long");
  assert.equal(new PacketScanner(2048).push(Uint8Array.of(0x10, 0xff, 0xff)), "packet-too-long");
});

test("a length of five bytes is malformed, even where it says nothing", () => {
  assert.equal(new PacketScanner(2048).push(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80)), "malformed-length");
});

test("a stream that does not begin with CONNECT is not MQTT", () => {
  assert.equal(new PacketScanner(2048).push(Buffer.from("GET / HTTP/1.1\r\n")), "not-mqtt");
  assert.equal(new PacketScanner(2048).push(Uint8Array.of(0xc0, 0)), "not-mqtt");
});
