import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { soak } from "../../../../../profiles/test/soak.ts";
import { type CoapMessage, coapOption, noBytes, optionOf } from "./coap-message.ts";
import { kidOf } from "./device-context.ts";
import { OscoreEndpoint } from "./oscore-endpoint.ts";
import { message, numbersFrom, randomOf, toHex } from "./oscore-test-bed.ts";
import { PeerTable } from "./peer-table.ts";
import { protectRequest, protectResponse, type RequestBinding, unprotectResponse } from "./protection.ts";
import { deriveContext, type SecurityContext } from "./security-context.ts";

const attempts = 10_000 * soak;
const random = randomOf(20_261_128);

const keyOf = (index: number) => new Uint8Array(16).fill(index + 1);

class Device {
  readonly wireId: string;
  readonly context: SecurityContext;
  sequence = 0;

  constructor(index: number) {
    this.wireId = `d${index}`;
    const identity = { wireId: this.wireId, generation: 1 };
    const ids = { senderId: kidOf(identity), recipientId: noBytes };
    this.context = deriveContext({
      masterSecret: keyOf(index),
      masterSalt: Buffer.from(`d${index}.1`),
      ...ids,
    });
  }

  send(options: CoapMessage["options"] = []) {
    return protectRequest(this.context, message(0x02, options, `beat ${this.sequence}`), this.sequence++);
  }
}

/** A gateway that knows four devices and has verified their windows. */
function verifiedBed() {
  let sequence = 0;
  const peers = new PeerTable(() => numbersFrom(() => sequence++));
  const endpoint = new OscoreEndpoint(peers, { randomBytes });
  const devices = Array.from({ length: 4 }, (_, index) => new Device(index));
  for (const [index, { wireId }] of devices.entries())
    peers.set(wireId, [{ generation: 1, key: keyOf(index), secretUid: "s" }]);
  for (const device of devices) {
    const first = device.send();
    const challenge = endpoint.receive(first.message);
    assert.ok(challenge.kind === "challenge");
    const read = unprotectResponse(device.context, challenge.response, first.binding);
    const echo = read.ok && optionOf(read.message, coapOption.echo);
    assert.ok(echo);
    assert.equal(endpoint.receive(device.send([[coapOption.echo, echo]]).message).kind, "request");
  }
  return { endpoint, devices, usedNumbers: () => sequence };
}

const withParts = (sent: CoapMessage, option: Uint8Array, payload: Uint8Array): CoapMessage => ({
  ...sent,
  options: [[coapOption.oscore, option]],
  payload,
});
const optionBytes = (sent: CoapMessage) => optionOf(sent, coapOption.oscore) ?? noBytes;

/** Bytes that differ from the given ones in 1–3 bits, by a cut, by bytes more, or altogether. */
function damaged(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  switch (random(4)) {
    case 0:
      return copy.subarray(0, random(copy.length));
    case 1:
      return Buffer.concat([copy, Uint8Array.from({ length: 1 + random(4) }, () => random(256))]);
    case 2:
      return Uint8Array.from({ length: random(40) }, () => random(256));
    default:
      for (let flips = 1 + random(3); flips > 0 && copy.length > 0; flips--) {
        const at = random(copy.length);
        copy[at] = (copy[at] as number) ^ (1 << random(8));
      }
      return copy;
  }
}

function isSame(a: CoapMessage, b: CoapMessage): boolean {
  return toHex(optionBytes(a)) === toHex(optionBytes(b)) && toHex(a.payload) === toHex(b.payload);
}

test(`of ${attempts} requests that were tampered with, cut, replayed, mixed or sent by another device none is accepted`, () => {
  const { endpoint, devices, usedNumbers } = verifiedBed();
  const numbersBefore = usedNumbers();
  const recorded: CoapMessage[] = [];
  const outcomes: Record<string, number> = {};
  for (let attempt = 0; attempt < attempts; ) {
    const device = devices[random(devices.length)] as Device;
    const other = devices[
      (devices.indexOf(device) + 1 + random(devices.length - 1)) % devices.length
    ] as Device;
    // Not delivered yet: all forgeries that are made from it have a number that is new.
    const fresh = device.send().message;
    const foreign = other.send().message;
    const old = recorded[random(recorded.length)] ?? fresh;
    const forgeries = [
      withParts(fresh, optionBytes(fresh), damaged(fresh.payload)),
      withParts(fresh, damaged(optionBytes(fresh)), fresh.payload),
      withParts(fresh, damaged(optionBytes(fresh)), damaged(fresh.payload)),
      withParts(fresh, optionBytes(fresh), foreign.payload),
      withParts(fresh, optionBytes(foreign), fresh.payload),
      withParts(fresh, optionBytes(fresh), old.payload),
      withParts(fresh, optionBytes(old), fresh.payload),
      recorded.length > 0 ? old : withParts(fresh, noBytes, fresh.payload),
    ].filter((forgery) => !isSame(forgery, fresh) && !isSame(forgery, foreign));
    for (const forgery of forgeries) {
      const received = endpoint.receive(forgery);
      const outcome = received.kind === "refused" ? received.fault : received.kind;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      assert.equal(
        received.kind,
        "refused",
        `accepted: ${toHex(optionBytes(forgery))} ${toHex(forgery.payload)}`,
      );
      attempt++;
    }
    // What was forged has moved no window: the real ones are accepted, once.
    for (const real of [fresh, foreign]) {
      assert.equal(endpoint.receive(real).kind, "request");
      recorded[recorded.length < 256 ? recorded.length : random(256)] = real;
    }
  }
  for (const fault of ["malformed", "unknown-context", "replayed", "undecryptable"])
    assert.ok((outcomes[fault] ?? 0) > attempts / 100, `${fault}: ${JSON.stringify(outcomes)}`);
  assert.equal(usedNumbers(), numbersBefore, "a forgery used up a sequence number");
});

test("of the same number of responses that were tampered with, cut, or made for another request none is accepted", () => {
  const device = new Device(0);
  const gateway = deriveContext({
    masterSecret: keyOf(0),
    masterSalt: Buffer.from("d0.1"),
    senderId: noBytes,
    recipientId: device.context.senderId,
  });
  let previous: { response: CoapMessage; binding: RequestBinding } | undefined;
  for (let attempt = 0, sequence = 0; attempt < attempts; ) {
    const { binding } = device.send();
    const own = random(2) === 0 ? sequence++ : undefined;
    const response = protectResponse(gateway, message(0x45, [], `answer ${attempt}`), binding, own);
    const forgeries = [
      withParts(response, optionBytes(response), damaged(response.payload)),
      withParts(response, damaged(optionBytes(response)), response.payload),
      ...(previous ? [previous.response] : []),
    ].filter((forgery) => !isSame(forgery, response));
    for (const forgery of forgeries) {
      const read = unprotectResponse(device.context, forgery, binding);
      // kid and kid context say nothing in a response, so a response may get some; number and content may not change.
      const harmless = read.ok && toHex(forgery.payload) === toHex(response.payload) && read.sequence === own;
      assert.ok(!read.ok || harmless, `accepted: ${toHex(optionBytes(forgery))} ${toHex(forgery.payload)}`);
      attempt++;
    }
    assert.ok(unprotectResponse(device.context, response, binding).ok);
    if (previous) assert.equal(unprotectResponse(device.context, response, previous.binding).ok, false);
    previous = { response, binding };
  }
});
