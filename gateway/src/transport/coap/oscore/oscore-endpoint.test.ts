import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { type CoapMessage, coapOption, noBytes, optionOf } from "./coap-message.ts";
import { kidOf } from "./device-context.ts";
import { OscoreEndpoint, type Received } from "./oscore-endpoint.ts";
import { decodeOscoreOption } from "./oscore-option.ts";
import { hex, message, numbersFrom, toHex } from "./oscore-test-bed.ts";
import { maxPeersPerKid, PeerTable } from "./peer-table.ts";
import { protectRequest, type RequestBinding, unprotectResponse } from "./protection.ts";
import { deriveContext, type SecurityContext } from "./security-context.ts";

const key = (fill: number) => new Uint8Array(16).fill(fill);
const beat = message(0x02, [[11, Buffer.from("m")]], "beat");

/** A device that keeps its sequence number. */
class TestDevice {
  readonly context: SecurityContext;
  sequence = 0;

  constructor(wireId: string, masterSecret: Uint8Array, generation = 1) {
    this.context = deriveContext({
      masterSecret,
      masterSalt: Buffer.from(`${wireId}.${generation}`),
      senderId: kidOf({ wireId, generation }),
      recipientId: noBytes,
    });
  }

  send(request: CoapMessage = beat) {
    return protectRequest(this.context, request, this.sequence++);
  }

  sendWithEcho(response: CoapMessage, binding: RequestBinding) {
    const read = unprotectResponse(this.context, response, binding);
    assert.ok(read.ok);
    assert.equal(read.message.code, 0x81);
    const echo = optionOf(read.message, coapOption.echo);
    assert.ok(echo);
    return this.send({ ...beat, options: [...beat.options, [coapOption.echo, echo]] });
  }
}

/** A gateway process; its sequence goes on where the last one ended. */
function gateway(start: { next: number } = { next: 0 }, options: { responseNonce?: "request" | "own" } = {}) {
  const peers = new PeerTable(() => numbersFrom(() => start.next++));
  return { peers, endpoint: new OscoreEndpoint(peers, { randomBytes, ...options }) };
}

function verify(endpoint: OscoreEndpoint, device: TestDevice): Extract<Received, { kind: "request" }> {
  const first = device.send();
  const challenge = endpoint.receive(first.message);
  assert.equal(challenge.kind, "challenge");
  assert.ok(challenge.kind === "challenge");
  const accepted = endpoint.receive(device.sendWithEcho(challenge.response, first.binding).message);
  assert.ok(accepted.kind === "request");
  return accepted;
}

const kindOf = (received: Received) => (received.kind === "refused" ? received.fault : received.kind);
const partialIvOf = (response: CoapMessage) =>
  decodeOscoreOption(optionOf(response, coapOption.oscore) ?? noBytes)?.partialIv;

test("after a start the first request is challenged under the gateway's own Partial IV, and accepted with its Echo", () => {
  const { peers, endpoint } = gateway({ next: 300 });
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const device = new TestDevice("lamp", key(1));
  const first = device.send();
  const challenge = endpoint.receive(first.message);
  assert.ok(challenge.kind === "challenge");
  assert.equal(toHex(partialIvOf(challenge.response) ?? noBytes), "012c");
  assert.equal(challenge.response.options.length, 1);
  const accepted = endpoint.receive(device.sendWithEcho(challenge.response, first.binding).message);
  assert.ok(accepted.kind === "request");
  assert.deepEqual(accepted.exchange.peer.identity, { wireId: "lamp", generation: 1 });
  assert.deepEqual(
    accepted.message.options.map(([number]) => number),
    [11],
  );
});

test("if it is allowed to, a response takes the nonce of its request once; notifications have numbers of their own", () => {
  const { peers, endpoint } = gateway({ next: 0 }, { responseNonce: "request" });
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const { exchange } = verify(endpoint, new TestDevice("lamp", key(1)));
  const sent = [1, 2, 3].map(() => endpoint.respond(exchange, message(0x45, [[6, hex("01")]], "x")));
  assert.deepEqual(
    sent.map((response) => response && toHex(partialIvOf(response) ?? noBytes)),
    ["", "01", "02"],
  );
});

test("by default no response takes the nonce of its request: two pods could answer one request", () => {
  const { peers, endpoint } = gateway({ next: 5 });
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const { exchange } = verify(endpoint, new TestDevice("lamp", key(1)));
  const response = endpoint.respond(exchange, message(0x44));
  assert.equal(response && toHex(partialIvOf(response) ?? noBytes), "06");
});

test("a request is accepted once; one that is overtaken is accepted within the window", () => {
  const { peers, endpoint } = gateway();
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const device = new TestDevice("lamp", key(1));
  verify(endpoint, device);
  const requests = Array.from({ length: 33 }, () => device.send().message);
  const last = requests.at(-1) as CoapMessage;
  assert.equal(kindOf(endpoint.receive(last)), "request");
  assert.equal(kindOf(endpoint.receive(last)), "replayed");
  assert.equal(kindOf(endpoint.receive(requests[1] as CoapMessage)), "request");
  assert.equal(kindOf(endpoint.receive(requests[1] as CoapMessage)), "replayed");
  assert.equal(kindOf(endpoint.receive(requests[0] as CoapMessage)), "replayed");
});

test("recorded requests are challenged once each after a restart, and none of them is accepted", () => {
  const sequence = { next: 0 };
  const before = gateway(sequence);
  before.peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const device = new TestDevice("lamp", key(1));
  const record: CoapMessage[] = [];
  const first = device.send();
  const challenge = before.endpoint.receive(first.message);
  assert.ok(challenge.kind === "challenge");
  record.push(first.message, device.sendWithEcho(challenge.response, first.binding).message);
  for (const request of [...record.slice(1)])
    assert.equal(kindOf(before.endpoint.receive(request)), "request");
  for (let count = 0; count < 40; count++) {
    const { message: request } = device.send();
    record.push(request);
    assert.equal(kindOf(before.endpoint.receive(request)), "request");
  }

  const after = gateway(sequence);
  after.peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const usedBefore = sequence.next;
  for (let round = 0; round < 50; round++)
    for (const request of record) assert.notEqual(kindOf(after.endpoint.receive(request)), "request");
  assert.equal(sequence.next - usedBefore, record.length, "each recorded request costs one number at most");
  verify(after.endpoint, device);
  for (const request of record) assert.equal(kindOf(after.endpoint.receive(request)), "replayed");
});

test("a device that went to another gateway has to prove itself again", () => {
  const { peers, endpoint } = gateway();
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const device = new TestDevice("lamp", key(1));
  const { exchange } = verify(endpoint, device);
  const elsewhere = device.send().message;
  exchange.peer.unverify();
  assert.equal(kindOf(endpoint.receive(elsewhere)), "challenge");
  verify(endpoint, device);
});

test("without a sequence number a challenge waits, and the request is challenged when it comes again", () => {
  let available = false;
  const peers = new PeerTable(() => numbersFrom(() => (available ? 7 : undefined)));
  const endpoint = new OscoreEndpoint(peers, { randomBytes });
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const { message: request } = new TestDevice("lamp", key(1)).send();
  assert.equal(kindOf(endpoint.receive(request)), "waiting");
  available = true;
  assert.equal(kindOf(endpoint.receive(request)), "challenge");
});

test("during a rotation both generations hold, and a change of one keeps the window of the other", () => {
  const { peers, endpoint } = gateway();
  const [before, after] = [new TestDevice("lamp", key(1), 1), new TestDevice("lamp", key(2), 2)];
  const [old, fresh] = [
    { generation: 1, key: key(1), secretUid: "s" },
    { generation: 2, key: key(2), secretUid: "s" },
  ];
  peers.set("lamp", [old]);
  verify(endpoint, before);
  peers.set("lamp", [fresh, old]);
  assert.equal(kindOf(endpoint.receive(before.send().message)), "request");
  const accepted = verify(endpoint, after);
  assert.equal(accepted.exchange.peer.identity.generation, 2);
  peers.set("lamp", [fresh]);
  assert.equal(kindOf(endpoint.receive(before.send().message)), "unknown-context");
  assert.equal(kindOf(endpoint.receive(after.send().message)), "request");
  peers.set("lamp", []);
  assert.equal(kindOf(endpoint.receive(after.send().message)), "unknown-context");
  assert.equal(peers.size, 0);
});

test("a key of 15 bytes is no key for OSCORE", () => {
  const { peers } = gateway();
  assert.deepEqual(peers.set("lamp", [{ generation: 1, key: new Uint8Array(15), secretUid: "s" }]), [1]);
  assert.deepEqual(peers.set("lamp", [{ generation: 1, key: new Uint8Array(16), secretUid: "s" }]), []);
});

test("devices with one kid are told apart by their keys, up to eight of them", () => {
  const { peers, endpoint } = gateway();
  // Found by trying: SHA-256 of each of them with ".1" begins with fbd1.
  const wireIds = "d3466 d20638 d21635 d37198 d52710 d62095 d76416 d78554 d83460".split(" ");
  assert.equal(new Set(wireIds.map((wireId) => toHex(kidOf({ wireId, generation: 1 })))).size, 1);
  const unusable = wireIds.map((wireId, index) =>
    peers.set(wireId, [{ generation: 1, key: key(index), secretUid: "s" }]),
  );
  assert.deepEqual(unusable, [...Array(maxPeersPerKid).fill([]), [1]]);
  for (const [index, wireId] of wireIds.slice(0, maxPeersPerKid).entries()) {
    const { exchange } = verify(endpoint, new TestDevice(wireId, key(index)));
    assert.equal(exchange.peer.identity.wireId, wireId);
  }
});

test("a request with a kid context, without kid or without Partial IV is refused", () => {
  const { peers, endpoint } = gateway();
  peers.set("lamp", [{ generation: 1, key: key(1), secretUid: "s" }]);
  const { message: request } = new TestDevice("lamp", key(1)).send();
  const kid = toHex(kidOf({ wireId: "lamp", generation: 1 }));
  const withOption = (value: string) => kindOf(endpoint.receive({ ...request, options: [[9, hex(value)]] }));
  assert.equal(withOption(`1900017f${kid}`), "unknown-context");
  assert.equal(withOption("0900ffff"), "unknown-context");
  assert.equal(withOption("0100"), "malformed");
  assert.equal(withOption(`08${kid}`), "malformed");
  assert.equal(withOption(`0900${kid}`), "challenge");
});
