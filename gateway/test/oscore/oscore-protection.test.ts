import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { systemClock as clock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { insecureProtection } from "../../src/transport/coap/insecure-protection.ts";
import type { MessageContent } from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Option, optionValue } from "../../src/transport/coap/message/options.ts";
import { coapOption, noBytes } from "../../src/transport/coap/oscore/coap-message.ts";
import { kidOf } from "../../src/transport/coap/oscore/device-context.ts";
import {
  protectRequest,
  type RequestBinding,
  unprotectResponse,
} from "../../src/transport/coap/oscore/protection.ts";
import { deriveContext } from "../../src/transport/coap/oscore/security-context.ts";
import { OscoreProtection } from "../../src/transport/coap/oscore-protection.ts";
import type { OpenResult } from "../../src/transport/coap/protection.ts";
import type { IdentityKey, Reservation } from "../../src/transport/directory.ts";

const from = { address: "192.0.2.7", port: 4_000 };
const key = randomBytes(16);

interface BedOptions {
  readonly keys?: Readonly<Record<string, readonly IdentityKey[]>>;
  readonly reserve?: () => Promise<Reservation>;
  readonly insecure?: boolean;
}

/** The protection with keys that the test sets, and a cluster that gives blocks. */
function startBed({ keys = { lamp: [keyOf(1)] }, reserve, insecure = false }: BedOptions = {}) {
  const held = new Map(Object.entries(keys));
  const listeners = new Set<(wireId: string) => void>();
  const metrics = new Metrics();
  let next = 0;
  const block = async (): Promise<Reservation> => {
    next += 65_536;
    return { reserved: true, block: { from: next - 65_536, end: next } };
  };
  const protection = new OscoreProtection({
    keys: {
      wireIds: () => held.keys(),
      keysOf: (wireId) => held.get(wireId) ?? [],
      onKeysChanged: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    sequences: { reserve: reserve ?? block },
    keyValues: { get: () => undefined, put: async () => {} },
    clock,
    log: createLogger({ level: "silent" }),
    metrics,
    plain: insecureProtection(insecure),
  });
  protection.start();
  const set = (wireId: string, ...now: IdentityKey[]) => {
    held.set(wireId, now);
    for (const listener of listeners) listener(wireId);
  };
  return { protection, metrics, set, listeners, [Symbol.dispose]: () => protection[Symbol.dispose]() };
}
type Bed = ReturnType<typeof startBed>;

function keyOf(generation: number, bytes: Uint8Array = key): IdentityKey {
  return { generation, key: bytes, secretUid: "secret-1" };
}

/** A device that counts its sequence numbers. */
class Device {
  readonly #context;
  sequence = 0;

  constructor(generation = 1, secret: Uint8Array = key) {
    this.#context = deriveContext({
      masterSecret: secret,
      masterSalt: Buffer.from(`lamp.${generation}`),
      senderId: kidOf({ wireId: "lamp", generation }),
      recipientId: noBytes,
    });
  }

  /** A datagram of this device and what its response is bound to. */
  say(text: string, echo?: Uint8Array) {
    const options = [[Option.uriPath, Buffer.from("m")] as const];
    const inner = {
      code: Code.post,
      options: echo ? [...options, [coapOption.echo, echo] as const] : options,
      payload: Buffer.from(text),
    };
    const { message, binding } = protectRequest(this.#context, inner, this.sequence++);
    return { message: datagram(message.code, message.options, message.payload), binding };
  }

  read(response: MessageContent, binding: RequestBinding) {
    const options = response.options.map(({ number, value }) => [number, value] as const);
    const read = unprotectResponse(this.#context, { ...response, options }, binding);
    assert.ok(read.ok);
    return read.message;
  }
}

function datagram(code: number, options: readonly (readonly [number, Uint8Array])[], payload: Uint8Array) {
  const wire = options.map(([number, value]) => ({ number, value }));
  return { type: "CON", messageId: 1, token: Uint8Array.of(1), code, options: wire, payload } as const;
}

/** Sends until the gateway has numbers, and returns the Echo that it asks for. */
async function greet({ protection }: Bed, device: Device): Promise<OpenResult> {
  const { message, binding } = device.say("hello");
  let result = protection.open(message, from);
  await until("it is judged", () => {
    if (result.kind === "postponed") result = protection.open(message, from);
    return result.kind !== "postponed";
  });
  if (result.kind !== "challenged") return result;
  const echo = device.read(result.response, binding).options.find(([number]) => number === coapOption.echo);
  assert.ok(echo);
  return protection.open(device.say("hello", echo[1]).message, from);
}

test("a request waits for a number, is challenged once, and then opened with its identity and without the Echo", async () => {
  using bed = startBed();
  const device = new Device();
  assert.equal(bed.protection.open(device.say("first").message, from).kind, "postponed");
  const opened = await greet(bed, device);
  assert.ok(opened.kind === "opened");
  assert.deepEqual(opened.identity, { wireId: "lamp", generation: 1 });
  assert.equal(Buffer.from(opened.content.payload).toString(), "hello");
  assert.equal(optionValue(opened.content.options, Option.echo), undefined);
  assert.equal(await bed.metrics.valueOf("motelet_oscore_challenges_total"), 1);
});

test("responses and notifications are sealed, whatever the order of their options, each under a number of its own", async () => {
  using bed = startBed();
  const device = new Device();
  await greet(bed, device);
  const { message, binding } = device.say("ping");
  const opened = bed.protection.open(message, from);
  assert.ok(opened.kind === "opened");
  const plain: MessageContent = {
    code: Code.content,
    options: [
      { number: Option.echo, value: Uint8Array.of(9) },
      { number: Option.observe, value: Uint8Array.of(3) },
    ],
    payload: Buffer.from("pong"),
  };
  const numbers = new Set<string>();
  for (const kind of ["response", "notification", "notification"] as const) {
    const sealed = opened.seal(plain, kind);
    assert.ok(sealed);
    assert.equal(sealed.code, Code.content);
    assert.deepEqual(optionValue(sealed.options, Option.observe), Uint8Array.of(3));
    assert.equal(optionValue(sealed.options, Option.echo), undefined);
    const inner = device.read(sealed, binding);
    assert.equal(Buffer.from(inner.payload).toString(), "pong");
    assert.deepEqual(Buffer.from(inner.options.at(-1)?.[1] ?? noBytes), Buffer.of(9));
    numbers.add(String(optionValue(sealed.options, Option.oscore)));
  }
  assert.equal(numbers.size, 3);
});

test("each fault has its reason, its response without protection, and the names that are known", async () => {
  using bed = startBed({ keys: { lamp: [keyOf(2)], weak: [keyOf(1, new Uint8Array(15))] } });
  const device = new Device(2);
  await greet(bed, device);
  const beat = device.say("beat").message;
  assert.equal(bed.protection.open(beat, from).kind, "opened");
  const faults = [
    [beat, "replayed", Code.unauthorized, []],
    [new Device(2, randomBytes(16)).say("x").message, "wrong-key", Code.badRequest, ["lamp.2"]],
    [new Device(1).say("x").message, "unknown-kid", Code.unauthorized, ["lamp.1"]],
    [new Device(3).say("x").message, "unknown-kid", Code.unauthorized, []],
    [withKid("weak", 1, beat), "unusable-key", Code.unauthorized, ["weak.1"]],
    [{ ...beat, payload: noBytes }, "oscore-malformed", Code.badOption, []],
    [
      datagram(Code.post, [[Option.oscore, Uint8Array.of(0xff)]], key),
      "oscore-malformed",
      Code.badOption,
      [],
    ],
    [datagram(Code.post, [], noBytes), "insecure", Code.unauthorized, []],
  ] as const;
  for (const [message, reason, code, names] of faults) {
    const result = bed.protection.open(message, from);
    assert.ok(result.kind === "refused", result.kind);
    assert.deepEqual([result.reason, result.response?.code, result.names ?? []], [reason, code, names]);
  }
});

test("a wrong key that begins with low numbers is no replay", async () => {
  using bed = startBed();
  const device = new Device();
  device.sequence = 5_000;
  await greet(bed, device);
  const result = bed.protection.open(new Device(1, randomBytes(16)).say("x").message, from);
  assert.ok(result.kind === "refused");
  assert.equal(result.reason, "wrong-key");
});

test("a key without numbers is refused by name, before and after its first message", async () => {
  using bed = startBed({ reserve: async () => ({ reserved: false, reason: "KEY_REPLACED" }) });
  const device = new Device();
  const result = await greet(bed, device);
  assert.ok(result.kind === "refused", result.kind);
  assert.deepEqual([result.reason, result.names], ["retired-key", ["lamp.1"]]);
  assert.equal(await bed.metrics.valueOf("motelet_oscore_retired_keys_total", { reason: "KEY_REPLACED" }), 1);

  using other = startBed();
  await greet(other, device);
  other.set("lamp", { ...keyOf(1), secretUid: "secret-2" });
  const later = other.protection.open(device.say("beat").message, from);
  assert.ok(later.kind === "refused", later.kind);
  assert.equal(later.reason, "retired-key");
});

test("without the cluster and without a rest nothing is answered, and nothing is lost", async () => {
  let isAway = true;
  const reserve = async (): Promise<Reservation> => {
    if (isAway) throw new Error("away");
    return { reserved: true, block: { from: 0, end: 65_536 } };
  };
  using bed = startBed({ reserve });
  const { message } = new Device().say("hello");
  for (let copy = 0; copy < 3; copy++) assert.equal(bed.protection.open(message, from).kind, "postponed");
  isAway = false;
  await until("the same message is judged", () => bed.protection.open(message, from).kind === "challenged");
});

test("a device whose channel was closed proves again that it is fresh, and others need not", async () => {
  using bed = startBed();
  const device = new Device();
  await greet(bed, device);
  bed.protection.left({ wireId: "fan", generation: 1 });
  bed.protection.left({ wireId: "lamp", generation: 2 });
  assert.equal(bed.protection.open(device.say("beat").message, from).kind, "opened");
  bed.protection.left({ wireId: "lamp", generation: 1 });
  assert.equal(bed.protection.open(device.say("beat").message, from).kind, "challenged");
  assert.equal((await greet(bed, device)).kind, "opened");
});

test("keys follow the devices as long as the protection lives", async () => {
  const bed = startBed();
  const device = new Device(2);
  assert.equal((await greet(bed, device)).kind, "refused");
  bed.set("lamp", keyOf(2), keyOf(1));
  assert.equal((await greet(bed, device)).kind, "opened");
  bed.set("lamp");
  assert.equal((await greet(bed, device)).kind, "refused");
  bed.protection[Symbol.dispose]();
  assert.equal(bed.listeners.size, 0);
});

test("a message without OSCORE is the business of plain CoAP", () => {
  using bed = startBed({ insecure: true });
  const opened = bed.protection.open(datagram(Code.get, [], noBytes), from);
  assert.ok(opened.kind === "opened");
  assert.equal(opened.identity, undefined);
});

/** The same message with another kid. */
function withKid(wireId: string, generation: number, message: ReturnType<typeof datagram>) {
  const options = message.options.map(({ number, value }) => {
    const changed = Buffer.from(value);
    if (number === Option.oscore) changed.set(kidOf({ wireId, generation }), value.length - 2);
    return { number, value: changed };
  });
  return { ...message, options };
}
