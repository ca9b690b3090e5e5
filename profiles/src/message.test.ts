import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, fromNotation, toHex, toNotation } from "../scripts/notation.ts";
import { soak } from "../test/soak.ts";
import { CborError, encodeCbor } from "./cbor.ts";
import { commandByOp, commands } from "./commands.ts";
import { MessageError } from "./fields.ts";
import { encodeFrame } from "./frame.ts";
import { limits } from "./limits.ts";
import { decodeMessage, encodeMessage, type Message, messageKinds } from "./message.ts";

interface MessageVectors {
  readonly valid: readonly {
    readonly name: string;
    readonly case: string;
    readonly hex: string;
    readonly message: { kind: string };
  }[];
  readonly skipping: readonly {
    readonly name: string;
    readonly hex: string;
    readonly message: object;
    readonly skipped: number;
  }[];
  readonly invalid: readonly { readonly name: string; readonly hex: string; readonly error: string }[];
}
const vectors = JSON.parse(
  readFileSync(new URL("../vectors/message.json", import.meta.url), "utf8"),
) as MessageVectors;

test("every valid message vector decodes to its message and encodes back to its bytes", () => {
  for (const { name, hex, message } of vectors.valid) {
    const decoded = decodeMessage(fromHex(hex));
    assert.deepEqual(toNotation(decoded.message), message, name);
    assert.equal(decoded.skipped, 0, name);
    assert.equal(toHex(encodeMessage(fromNotation(message) as Message)), hex, name);
  }
});

test("every kind has a valid, a minimum or a maximum vector, and every command an example", () => {
  for (const kind of Object.keys(messageKinds)) {
    const cases = new Set(
      vectors.valid.filter((vector) => vector.message.kind === kind).map((vector) => vector.case),
    );
    assert.ok(cases.has("maximum"), `${kind} has no maximum`);
    assert.ok(cases.has("minimum") || kind === "proof", `${kind} has no minimum`);
  }
  const ops = new Set(vectors.valid.map((vector) => (vector.message as unknown as { op?: number }).op));
  for (const row of Object.values(commands)) assert.ok(ops.has(row.op), `no request vector for ${row.name}`);
});

test("what a later version adds is skipped and counted", () => {
  for (const { name, hex, message, skipped } of vectors.skipping) {
    const decoded = decodeMessage(fromHex(hex));
    assert.deepEqual(toNotation(decoded.message), message, name);
    assert.equal(decoded.skipped, skipped, name);
  }
});

test("every invalid message vector is refused with its code", () => {
  for (const { name, hex, error } of vectors.invalid) {
    assert.throws(() => decodeMessage(fromHex(hex)), { code: error }, name);
  }
});

test("a message at the limit is taken, one byte more is refused", () => {
  const sized = (bytes: number) =>
    encodeMessage({ kind: "data", stream: 1, offset: 0, bytes: new Uint8Array(bytes) });
  assert.equal(sized(1017).length, limits.messageBytes);
  decodeMessage(sized(1017));
  assert.throws(() => decodeMessage(sized(1018)), { code: "MESSAGE_TOO_LONG" });
  decodeMessage(sized(100), 106);
  assert.throws(() => decodeMessage(sized(100), 105), { code: "MESSAGE_TOO_LONG" });
});

test("nothing but the typed errors comes out of the decoder", () => {
  const mutated = fc
    .tuple(fc.constantFrom(...vectors.valid), fc.nat(), fc.nat({ max: 255 }))
    .map(([vector, at, byte]) => {
      const bytes = fromHex(vector.hex);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  const check = (bytes: Uint8Array) => {
    try {
      const { message, skipped } = decodeMessage(bytes);
      if (message.kind === "unknown" || skipped > 0) return;
      // What was taken whole says the same when it is sent again (a beat may shed trailing nulls).
      assert.deepEqual(decodeMessage(encodeMessage(message)).message, message);
    } catch (error) {
      assert.ok(error instanceof MessageError || error instanceof CborError, String(error));
    }
  };
  fc.assert(fc.property(mutated, check), { numRuns: 10_000 * soak, seed: 6 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), check), { numRuns: 5000 * soak, seed: 7 });
});

test("the byte budgets hold in the worst case", () => {
  const bytesOf = (name: string) => {
    const vector = vectors.valid.find((candidate) => candidate.name === name);
    assert.ok(vector, `no vector "${name}"`);
    return fromHex(vector.hex);
  };
  const framed = (bytes: Uint8Array) => encodeFrame(bytes).length;
  const beat = bytesOf("a beat after eight days with everything");
  assert.equal(beat.length, 18);
  assert.equal(framed(beat), 23);
  // MQTT PUBLISH, QoS 0: 2 bytes of fixed header, 2 of topic length, the topic.
  assert.equal(2 + 2 + "m/abcdefghijkl/u".length + beat.length, 38);
  const emptyResponse = bytesOf("the largest empty response");
  assert.equal(framed(bytesOf("reboot with the largest id")) + framed(emptyResponse), 22);
  assert.equal(
    framed(encodeMessage({ kind: "request", id: 0xffff, op: 1, args: [] })) + framed(emptyResponse),
    22,
  );
  assert.ok(bytesOf("a tokenised log line").length <= 12);
  assert.equal(bytesOf("hello with everything at its largest").length, 125);
  assert.equal(bytesOf("welcome with a MAC").length, 51);
  assert.equal(bytesOf("bye refused for the longest time").length, 8);
  assert.equal(bytesOf("the largest ack").length, 5);
  assert.ok(bytesOf("credit that resets").length <= 11);
  assert.equal(bytesOf("proof").length, 11);
  assert.ok(bytesOf("exec with the longest argv of M = 128").length <= limits.minMessageBytes);
});

test("a field out of range is named with what was expected and what came", () => {
  assert.throws(() => encodeMessage({ kind: "ack", storedSeq: 65_536 }), {
    code: "MESSAGE_FIELD",
    message: "ack.storedSeq: expected an integer of 0 to 65535, got 65536",
  });
  assert.throws(() => decodeMessage(encodeCbor([7])), {
    code: "MESSAGE_MISSING",
    message: "ack: storedSeq is missing",
  });
});

test("commands encode their arguments and results and read them back", () => {
  const exec = { stream: 1, stderrStream: 2, flags: 1, argv: ["cat", "-n"] };
  assert.deepEqual(commands.exec.decodeRequest(commands.exec.encodeRequest(exec)), exec);
  const info = { arch: "armv7m", os: "none", labels: [["site", "lab"]] as [string, string][] };
  assert.deepEqual(commands.info.decodeResult(commands.info.encodeResult(info)), info);
  const record = { seq: 8, ageMs: null, body: { type: "text", level: 1, text: "x" } } as const;
  assert.deepEqual(commands.logRead.decodeResult(commands.logRead.encodeResult(record)), record);
  assert.throws(() => commands.exec.decodeRequest([0, 0, 0, ["x"]]), { code: "MESSAGE_FIELD" });
  assert.throws(() => commands.exec.decodeRequest([1, 0, 0, []]), { code: "MESSAGE_FIELD" });
  assert.equal(commandByOp(5)?.name, "exec");
  assert.equal(commandByOp(9), undefined);
});
