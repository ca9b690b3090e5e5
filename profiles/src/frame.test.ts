import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../scripts/notation.ts";
import { assertDelivered, noisyLine } from "../test/noisy-line.ts";
import { soak } from "../test/soak.ts";
import { decodeCbor } from "./cbor-decoder.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import { crc16 } from "./crc16.ts";
import { encodeFrame, FrameDecoder, type FrameItem, maxCobsLength } from "./frame.ts";
import { limits } from "./limits.ts";

interface FrameVectors {
  readonly crc: readonly { readonly name: string; readonly hex: string; readonly crc: number }[];
  readonly valid: readonly { readonly name: string; readonly message: string; readonly frame: string }[];
  readonly streams: readonly {
    readonly name: string;
    readonly maxMessageBytes?: number;
    readonly chunks: readonly { readonly at: number; readonly hex?: string }[];
    readonly items: readonly { readonly message?: string; readonly text?: string }[];
    readonly badFrames: number;
  }[];
}
const vectors = JSON.parse(
  readFileSync(new URL("../vectors/frame.json", import.meta.url), "utf8"),
) as FrameVectors;

/** A decoder that has taken a good frame: from then on a message may be any bytes (SPEC §4.2). */
function heardDecoder(maxMessageBytes: number = limits.messageBytes): FrameDecoder {
  const decoder = new FrameDecoder({ maxMessageBytes });
  decoder.push(encodeFrame(Uint8Array.of(0x80)), 0);
  return decoder;
}

/** Items in the notation of the vectors, neighbouring texts joined. */
function joined(items: readonly FrameItem[]): object[] {
  const out: { message?: string; text?: string }[] = [];
  for (const item of items) {
    const hex = toHex(item.bytes);
    const last = out.at(-1);
    if (item.kind === "text" && last?.text !== undefined) last.text += hex;
    else out.push({ [item.kind]: hex });
  }
  return out;
}

test("the checksum vectors hold", () => {
  for (const { name, hex, crc } of vectors.crc) assert.equal(crc16(fromHex(hex)), crc, name);
});

test("every frame vector encodes and decodes", () => {
  for (const { name, message, frame } of vectors.valid) {
    assert.equal(toHex(encodeFrame(fromHex(message))), frame, name);
    assert.deepEqual(joined(heardDecoder().push(fromHex(frame), 0)), [{ message }], name);
    assert.ok(fromHex(frame).length - 2 <= maxCobsLength(fromHex(message).length + 2), name);
  }
});

test("every stream vector gives its items, whole and split at every byte", () => {
  for (const vector of vectors.streams) {
    for (const split of [false, true]) {
      const decoder = new FrameDecoder({ maxMessageBytes: vector.maxMessageBytes ?? limits.messageBytes });
      const items: FrameItem[] = [];
      for (const chunk of vector.chunks) {
        if (chunk.hex === undefined) items.push(...decoder.expire(chunk.at));
        else if (split)
          for (const byte of fromHex(chunk.hex)) items.push(...decoder.push(Uint8Array.of(byte), chunk.at));
        else items.push(...decoder.push(fromHex(chunk.hex), chunk.at));
      }
      // Neighbouring texts are joined on both sides: the protocol does not define how text is cut into pieces.
      const wanted = joined(
        vector.items.map((item) =>
          item.message === undefined
            ? { kind: "text", bytes: fromHex(item.text ?? "") }
            : { kind: "message", bytes: fromHex(item.message) },
        ),
      );
      assert.deepEqual(joined(items), wanted, `${vector.name}, split ${split}`);
      assert.equal(decoder.badFrames, vector.badFrames, vector.name);
    }
  }
});

test("any message survives framing, at any split, between any text without zeros", () => {
  const textBytes = fc.uint8Array({ min: 1, max: 255, maxLength: 40 });
  const message = fc.uint8Array({ minLength: 1, maxLength: 600 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(textBytes, message), { maxLength: 4 }),
      fc.integer({ min: 1, max: 50 }),
      (parts, step) => {
        const line = Buffer.concat(parts.flatMap(([text, body]) => [text, encodeFrame(body)]));
        const decoder = heardDecoder();
        const items: FrameItem[] = [];
        for (let at = 0; at < line.length; at += step)
          items.push(...decoder.push(line.subarray(at, at + step), 0));
        const wanted = joined(
          parts.flatMap(([text, body]): FrameItem[] => [
            ...(text.length > 0 ? [{ kind: "text", bytes: text } as const] : []),
            { kind: "message", bytes: body },
          ]),
        );
        assert.deepEqual(joined(items), wanted);
      },
    ),
    { numRuns: 1000 * soak, seed: 4 },
  );
});

test("a damaged line never yields a message that was not sent, and recovers with the next frame", () => {
  const decodes = (bytes: Uint8Array): boolean => {
    try {
      decodeCbor(bytes);
      return true;
    } catch {
      return false;
    }
  };
  // One bit may cut a frame at a byte that becomes a delimiter. The checksum begins at 0 and is blind to zeros at either
  // end, so a frame whose checksum ends in 00 may pass without its last byte: what is left is no whole CBOR item.
  const message = fc.uint8Array({ maxLength: 80 }).map((bytes) => encodeCbor([8, 1, 0, bytes]));
  fc.assert(
    fc.property(message, fc.nat(), fc.nat({ max: 7 }), (sent, at, bit) => {
      const damaged = encodeFrame(sent);
      const index = at % damaged.length;
      damaged[index] = (damaged[index] as number) ^ (1 << bit);
      const decoder = new FrameDecoder({ maxMessageBytes: limits.messageBytes });
      const items = [...decoder.push(damaged, 0), ...decoder.push(encodeFrame(Uint8Array.of(0x81, 7)), 200)];
      const messages = items.filter((item) => item.kind === "message" && decodes(item.bytes));
      assert.deepEqual(
        messages.map((item) => toHex(item.bytes)),
        ["8107"],
      );
    }),
    { numRuns: 3000 * soak, seed: 5 },
  );
});

test("what comes out does not alias what came in", () => {
  const input = Buffer.concat([Buffer.from("boot"), encodeFrame(Uint8Array.of(1, 2)), Buffer.from("done")]);
  const items = heardDecoder(16).push(input, 0);
  input.fill(0);
  assert.deepEqual(items, [
    { kind: "text", bytes: Uint8Array.from(Buffer.from("boot")) },
    { kind: "message", bytes: Uint8Array.of(1, 2) },
    { kind: "text", bytes: Uint8Array.from(Buffer.from("done")) },
  ]);
});

test("a decoder holds at most one segment, whatever comes", () => {
  const decoder = heardDecoder();
  decoder.push(Uint8Array.of(0), 0);
  const before = process.memoryUsage().arrayBuffers;
  let textBytes = 0;
  for (let i = 0; i < 2000; i++) {
    for (const item of decoder.push(new Uint8Array(1000).fill(0x41), 0)) textBytes += item.bytes.length;
  }
  assert.equal(textBytes, 2_000_000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000);
});

test("each line of text that was sent whole comes out of a bad line, and a fault loses at most one further frame", () => {
  for (let seed = 0; seed < 100 * soak; seed++) {
    const maxMessageBytes = seed % 2 === 0 ? 128 : limits.messageBytes;
    const noisy = noisyLine(seed, maxMessageBytes);
    const decoder = new FrameDecoder({ maxMessageBytes });
    const items = noisy.chunks.flatMap(({ at, bytes }) => decoder.push(bytes, at));
    items.push(...decoder.expire(noisy.endsAt));
    const of = (kind: string) => items.filter((item) => item.kind === kind).map(({ bytes }) => bytes);
    try {
      assertDelivered(noisy, Buffer.concat(of("text")), of("message"));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
