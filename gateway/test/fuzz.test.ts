import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  CborError,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  FrameDecoder,
  limits,
  MessageError,
} from "@motelet/profiles";
import fc from "fast-check";
import { rawConnect, rawPacket, rawSubscribe, rawText } from "../src/transport/mqtt/mqtt-test-bed.ts";
import { PacketScanner } from "../src/transport/mqtt/packet-scanner.ts";
import { liveBytes } from "./fakes/live-memory.ts";
import { MqttWithoutSockets } from "./fakes/mqtt-without-sockets.ts";
import { hostileBytes, splits } from "./fakes/mutations.ts";

const inputs = process.env.MOTELET_SOAK ? 1_000_000 : 10_000;
const options = { timeout: 3_600_000 };
/** A failure names the path that leads to it again. */
const seed = 20_261_121;

interface VectorFile {
  readonly valid: readonly { readonly hex: string }[];
  readonly invalid?: readonly { readonly hex: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../profiles/vectors/message.json", import.meta.url), "utf8"),
) as VectorFile;
const messages = [...vectors.valid, ...(vectors.invalid ?? [])].map(({ hex }) => Buffer.from(hex, "hex"));
const message = fc.constantFrom(...messages);
const places = fc.array(fc.nat(), { maxLength: 5 });

/** Runs a tenth to warm up, then all; what is alive afterwards must be what was alive before. */
async function assertFlat(run: (runs: number) => Promise<void> | void): Promise<void> {
  await run(inputs / 10);
  const heldBytes = await liveBytes();
  await run(inputs);
  const grownPercent = (100 * ((await liveBytes()) - heldBytes)) / heldBytes;
  assert.ok(grownPercent < 10, `live memory has grown by ${grownPercent.toFixed(1)} %`);
}

test(
  "messages: what decodes encodes to the same again, what does not is refused by an error of ours",
  options,
  async () => {
    let decoded = 0;
    const property = fc.property(hostileBytes(message), (bytes) => {
      let result: ReturnType<typeof decodeMessage>;
      try {
        result = decodeMessage(bytes);
      } catch (error) {
        assert.ok(error instanceof CborError || error instanceof MessageError, String(error));
        return;
      }
      decoded += 1;
      assert.ok(bytes.length <= limits.messageBytes);
      if (result.message.kind === "unknown") return;
      const again = encodeMessage(result.message);
      // What was skipped is lost, what was understood is not.
      assert.deepEqual(decodeMessage(again).message, result.message);
      // It is shorter where elements were skipped or a beat ended with unknown figures.
      if (again.length === bytes.length) assert.deepEqual([...again], [...bytes]);
    });
    await assertFlat((numRuns) => fc.assert(property, { seed, numRuns }));
    assert.ok(decoded > inputs / 100, String(decoded));
  },
);

test(
  "frames: no split changes what comes out, and the next good frame is heard after a silence",
  options,
  async () => {
    const line = fc
      .array(fc.oneof(message.map(encodeFrame), fc.uint8Array({ maxLength: 30 })), { maxLength: 4 })
      .map((parts) => Buffer.concat(parts) as Uint8Array);
    const good = Uint8Array.of(0x83, 5, 1, 2);
    const property = fc.property(hostileBytes(line), places, (bytes, cuts) => {
      const whole = decoded([bytes]);
      assert.deepEqual(decoded(splits(bytes, cuts)), whole);
      assert.ok(whole.text.length + whole.messages.join("").length / 2 <= bytes.length);
    });
    function decoded(parts: readonly Uint8Array[]) {
      const decoder = new FrameDecoder({ maxMessageBytes: 256 });
      const items = parts.flatMap((part) => decoder.push(part, 0));
      items.push(...decoder.expire(limits.segmentSilenceMs));
      const last = decoder.push(encodeFrame(good), limits.segmentSilenceMs);
      assert.deepEqual(last, [{ kind: "message", bytes: good }]);
      const of = (kind: string) =>
        items.filter((item) => item.kind === kind).map(({ bytes }) => Buffer.from(bytes));
      return {
        messages: of("message").map((bytes) => bytes.toString("hex")),
        text: Buffer.concat(of("text")).toString("latin1"),
        badFrames: decoder.badFrames,
      };
    }
    await assertFlat((numRuns) => fc.assert(property, { seed, numRuns }));
  },
);

/** How a device begins, and how somebody begins who is none. */
const greeting: fc.Arbitrary<Uint8Array> = fc.oneof(
  { arbitrary: fc.constant(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")])), weight: 3 },
  {
    arbitrary: fc.constantFrom(rawConnect("lamp"), rawConnect("lamp", "guess"), rawConnect("door")),
    weight: 1,
  },
);

const publication = fc
  .tuple(
    fc.constantFrom(0x30, 0x30, 0x30, 0x31, 0x32),
    fc.constantFrom("m/lamp/u", "m/lamp/u", "m/door/u"),
    message,
  )
  .map(([first, topic, payload]) => rawPacket(first, rawText(topic), first > 0x31 ? [0, 7] : [], payload));

/** What a device says then, and what it may not. */
const packets: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      publication,
      fc.constantFrom(
        rawConnect("lamp"),
        rawSubscribe("m/door/d", "#", "$SYS/#"),
        rawPacket(0xa2, [0, 2], rawText("m/lamp/d")),
        rawPacket(0xc0),
        rawPacket(0xe0),
        rawPacket(0x40, [0, 1]),
        rawPacket(0x62, [0, 1]),
      ),
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.concat(parts));

test("MQTT: no split changes what the scanner finds", options, async () => {
  const conversation = fc.tuple(greeting, packets).map((parts) => Buffer.concat(parts) as Uint8Array);
  const property = fc.property(hostileBytes(conversation), places, (bytes, cuts) => {
    const scan = (parts: readonly Uint8Array[]) => {
      const scanner = new PacketScanner(512);
      let packets = 0;
      for (const part of parts) {
        const found = scanner.push(part);
        if (typeof found === "string") return found;
        packets += found;
      }
      return packets;
    };
    assert.equal(scan(splits(bytes, cuts)), scan([bytes]));
  });
  await assertFlat((numRuns) => fc.assert(property, { seed, numRuns }));
});

test(
  "MQTT: whatever comes, only the right password opens a channel, and every connection ends",
  options,
  async () => {
    await using mqtt = new MqttWithoutSockets();
    await mqtt.start();
    const start = fc.oneof(greeting, hostileBytes(greeting));
    const property = fc.asyncProperty(
      start,
      hostileBytes(packets),
      fc.array(fc.nat(), { maxLength: 1 }),
      async (first, rest, cuts) => {
        await mqtt.converse([first, ...splits(rest, cuts)]);
        assert.equal(mqtt.open, 0);
      },
    );
    await assertFlat((numRuns) => fc.assert(property, { seed, numRuns }));
    // Otherwise this would have tested the first byte only.
    assert.deepEqual(mqtt.strangers, []);
    assert.ok(mqtt.channels > inputs / 5, String(mqtt.channels));
    assert.ok(mqtt.messages > inputs / 20, String(mqtt.messages));
  },
);
