import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FrameDecoder } from "@motelet/profiles";
import { assertDelivered, noisyLine } from "../../../profiles/test/noisy-line.ts";
import { soak } from "../../../profiles/test/soak.ts";
import { Driver, share } from "./driver.ts";
import { readVectors } from "./vectors.ts";

interface Named {
  readonly name: string;
  readonly hex: string;
}
interface Invalid extends Named {
  readonly error: string;
}
interface StreamVector {
  readonly name: string;
  readonly maxMessageBytes?: number;
  readonly chunks: readonly { readonly at: number; readonly hex?: string; readonly expire?: true }[];
  readonly items: readonly ({ readonly message: string } | { readonly text: string })[];
  readonly badFrames: number;
}

const cbor = readVectors<{ valid: readonly Named[]; invalid: readonly Invalid[] }>("cbor.json");
const frames = readVectors<{
  crc: readonly (Named & { readonly crc: number })[];
  valid: readonly { readonly name: string; readonly message: string; readonly frame: string }[];
  streams: readonly StreamVector[];
}>("frame.json");
type MessageVector = Named & {
  readonly message: Readonly<Record<string, unknown>>;
  readonly skipped?: number;
};
const messages = readVectors<{
  valid: readonly MessageVector[];
  skipping: readonly MessageVector[];
  invalid: readonly Invalid[];
}>("message.json");

const drivers = new Map<number, Driver>();
before(async () => {
  for (const limit of [128, 1024]) drivers.set(limit, await Driver.start(limit));
});
after(async () => {
  for (const driver of drivers.values()) await driver[Symbol.asyncDispose]();
});
function driverFor(limit: number): Driver {
  const driver = drivers.get(limit);
  if (!driver) throw new Error(`no driver for messages of ${limit} bytes`);
  return driver;
}
const ask = (request: string) => driverFor(1024).ask(request);

test("every valid CBOR vector is taken, and written anew byte for byte", async () => {
  for (const { name, hex } of cbor.valid) {
    assert.equal(await ask(`cbor ${hex}`), "OK", name);
    assert.equal(await ask(`recode ${hex}`), hex, name);
  }
});

test("every invalid CBOR vector is refused for its first fault", async () => {
  for (const { name, hex, error } of cbor.invalid) {
    assert.equal(`CBOR_${await ask(`cbor ${hex}`)}`, error, `${name}: ${hex}`);
  }
});

test("a valid item cut anywhere is truncated", async () => {
  for (const { name, hex } of cbor.valid.filter(({ hex: bytes }) => bytes.length < 400)) {
    for (let length = 0; length < hex.length; length += 2) {
      assert.equal(await ask(`cbor ${hex.slice(0, length)}`), "TRUNCATED", `${name} cut at ${length / 2}`);
    }
  }
});

test("checksums and frames are those of the vectors", async () => {
  for (const { name, hex, crc } of frames.crc) assert.equal(Number(await ask(`crc ${hex}`)), crc, name);
  for (const { name, message, frame } of frames.valid)
    assert.equal(await ask(`frame ${message}`), frame, name);
});

/** Pushes chunks and returns the items, neighbouring texts joined. */
async function decode(driver: Driver, vector: Pick<StreamVector, "chunks">) {
  await driver.ask("line");
  const items: string[] = [];
  let status = "";
  for (const { at, hex, expire } of vector.chunks) {
    const lines = await driver.askBlock(expire ? `expire ${at}` : `push ${at} ${hex}`, "bad");
    status = lines.pop() ?? "";
    for (const line of lines) {
      const last = items.at(-1);
      if (line.startsWith("text") && last?.startsWith("text")) items.push(items.pop() + line.slice(5));
      else items.push(line);
    }
  }
  return { items, badFrames: Number(/bad (\d+)/.exec(status)?.[1]) };
}

test("every stream vector is taken apart into its messages and texts", async () => {
  for (const vector of frames.streams) {
    const got = await decode(driverFor(vector.maxMessageBytes ?? 1024), vector);
    const wanted: string[] = [];
    for (const item of vector.items) {
      const line = "message" in item ? `message ${item.message}` : `text ${item.text}`;
      if (line.startsWith("text") && wanted.at(-1)?.startsWith("text"))
        wanted.push(wanted.pop() + line.slice(5));
      else wanted.push(line);
    }
    assert.deepEqual(got, { items: wanted, badFrames: vector.badFrames }, vector.name);
  }
});

test("a stream split at every byte is taken apart the same way", async () => {
  for (const vector of frames.streams) {
    const driver = driverFor(vector.maxMessageBytes ?? 1024);
    const whole = await decode(driver, vector);
    const chunks = vector.chunks.flatMap((chunk) =>
      (chunk.hex?.match(/../g) ?? [])
        .map((hex) => ({ at: chunk.at, hex }))
        .concat(chunk.expire ? [{ at: chunk.at, hex: "" }] : []),
    );
    assert.deepEqual(await decode(driver, { chunks }), whole, vector.name);
  }
});

test("a bad line gives the lines of text that were sent whole, and the very bytes that the gateway's decoder gives", async () => {
  const seeds = Math.ceil((100 * soak) / share);
  for (let seed = 0; seed < seeds; seed++) {
    const maxMessageBytes = seed % 2 === 0 ? 128 : 1024;
    const noisy = noisyLine(seed, maxMessageBytes);
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    const chunks = [
      ...noisy.chunks.map(({ at, bytes }) => ({ at, hex: hex(bytes) })),
      { at: noisy.endsAt, expire: true as const },
    ];
    const got = await decode(driverFor(maxMessageBytes), { chunks });
    const of = (kind: string) =>
      got.items
        .filter((item) => item.startsWith(kind))
        .map((item) => Buffer.from(item.split(" ")[1] ?? "", "hex"));
    try {
      assertDelivered(noisy, Buffer.concat(of("text")), of("message"));
      const decoder = new FrameDecoder({ maxMessageBytes });
      const items = noisy.chunks.flatMap(({ at, bytes }) => decoder.push(bytes, at));
      items.push(...decoder.expire(noisy.endsAt));
      const wanted: string[] = [];
      for (const { kind, bytes } of items) {
        if (kind === "text" && wanted.at(-1)?.startsWith("text")) wanted.push(wanted.pop() + hex(bytes));
        else wanted.push(`${kind} ${hex(bytes)}`);
      }
      assert.deepEqual(got, { items: wanted, badFrames: decoder.badFrames });
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

/** Fields of the kinds that a gateway sends, in the order of mote_message.field, from a decoded message. */
function fieldsOf(
  message: Readonly<Record<string, unknown>>,
): { kind: number; fields: number[]; last: boolean } | undefined {
  const number = (name: string) => Number(message[name] ?? 0);
  const time = message.time as { s: number; ms: number } | undefined;
  const end = message.end as { status: number; exitCode?: number } | undefined;
  switch (message.kind) {
    case "welcome":
      return {
        kind: 1,
        fields: [
          number("attempt"),
          number("sid"),
          message.streamsKept ? 1 : 0,
          time?.s ?? 0,
          time?.ms ?? 0,
          number("heartbeatS"),
          number("rtoMs"),
          number("reportWindow"),
          number("storedSeq"),
        ],
        last: false,
      };
    case "request":
      return { kind: 2, fields: [number("id"), number("op")], last: false };
    case "bye":
      return {
        kind: 4,
        fields: [number("reason"), number("seconds")],
        last: message.seconds !== undefined,
      };
    case "ack":
      return { kind: 7, fields: [number("storedSeq")], last: false };
    case "data":
      return {
        kind: 8,
        fields: [number("stream"), number("offset"), end?.status ?? 0, end?.exitCode ?? 0],
        last: end !== undefined,
      };
    case "credit":
      return {
        kind: 9,
        fields: [number("stream"), number("next"), number("window"), number("status")],
        last: message.status !== undefined,
      };
    default:
      return undefined;
  }
}

test("every valid message that a gateway sends decodes to its fields; any other is taken as CBOR and skipped", async () => {
  let decoded = 0;
  for (const { name, hex, message, skipped } of [...messages.valid, ...messages.skipping]) {
    const answer = await ask(`message ${hex}`);
    const wanted = fieldsOf(message);
    if (!wanted) {
      assert.match(answer, /^OK /, name);
      continue;
    }
    decoded++;
    const [ok, kind, rest, last, ...values] = answer.split(" ");
    const body = values.pop();
    assert.equal(ok, "OK", name);
    assert.equal(Number(kind), wanted.kind, name);
    assert.equal(last === "1", wanted.last, name);
    // A device reads no map of welcome: to it that is one more element.
    if (message.kind !== "request" && message.kind !== "welcome")
      assert.equal(Number(rest), skipped ?? 0, name);
    else assert.ok(Number(rest) >= (skipped ?? 0), name);
    const fields = [...wanted.fields, ...new Array<number>(9 - wanted.fields.length).fill(0)];
    assert.deepEqual(values.map(Number), fields, name);
    if (message.kind === "data") assert.equal(body, (message.bytes as { h: string }).h, name);
  }
  assert.ok(decoded >= 12, `only ${decoded} vectors are of kinds that a device decodes`);
});

test("every invalid message that a gateway could send is refused for its reason", async () => {
  const fromGateway = new Set([1, 2, 4, 7, 8, 9]);
  let refused = 0;
  for (const { name, hex, error } of messages.invalid) {
    const kind = Number.parseInt(hex.slice(2, 4), 16);
    const isEnvelope = error === "MESSAGE_ENVELOPE" || error.startsWith("CBOR");
    if (!isEnvelope && !fromGateway.has(kind)) continue;
    refused++;
    const answer = await ask(`message ${hex}`);
    assert.equal(answer === "CBOR" ? error : `MESSAGE_${answer}`, error, `${name}: ${hex}`);
  }
  assert.ok(refused >= 20, `only ${refused} vectors are of kinds that a device decodes`);
});

test("a message at the limit is taken and one byte more is refused", async () => {
  const ping = (pad: number) =>
    `84020101${pad < 256 ? "58" : "59"}${pad.toString(16).padStart(pad < 256 ? 2 : 4, "0")}${"00".repeat(pad)}`;
  for (const [limit, pad] of [
    [128, 122],
    [1024, 1017],
  ] as const) {
    assert.equal(ping(pad).length / 2, limit);
    assert.match(await driverFor(limit).ask(`message ${ping(pad)}`), /^OK /);
    assert.equal(await driverFor(limit).ask(`message ${ping(pad + 1)}`), "TOO_LONG");
  }
});
