import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, fromNotation, toHex, toNotation } from "../scripts/notation.ts";
import { soak } from "../test/soak.ts";
import { CborError, type CborValue } from "./cbor.ts";
import { decodeCbor } from "./cbor-decoder.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import type { CommandRow } from "./commands/row.ts";
import { commandByOp, commands } from "./commands.ts";
import { MessageError } from "./fields.ts";
import { encodeFrame } from "./frame.ts";
import { limits } from "./limits.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { type Message, messageKinds } from "./message-kinds.ts";
import { reportTypes } from "./report-body.ts";

interface MessageVectors {
  readonly valid: readonly {
    readonly name: string;
    readonly case: string;
    readonly hex: string;
    readonly message: { kind: string; body?: { type: string } };
  }[];
  readonly skipping: readonly {
    readonly name: string;
    readonly hex: string;
    readonly message: object;
    readonly skipped: number;
  }[];
  readonly invalid: readonly { readonly name: string; readonly hex: string; readonly error: string }[];
  readonly arguments: readonly CommandVector[];
  readonly results: readonly CommandVector[];
}
interface CommandVector {
  readonly name: string;
  readonly op: number;
  readonly case: "valid" | "minimum" | "maximum" | "skipping" | "invalid";
  readonly hex: string;
  readonly args?: object;
  readonly result?: object;
  readonly error?: string;
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

/** Which of the cases a list has, by what `of` names of each. */
function casesBy<T extends { readonly case: string }>(list: readonly T[], of: (item: T) => unknown) {
  return (name: unknown) => new Set(list.filter((item) => of(item) === name).map((item) => item.case));
}
const fourCases = ["valid", "minimum", "maximum", "invalid"];

test("every kind and every type of report has valid, minimum, maximum and invalid vectors", () => {
  const cases = casesBy(vectors.valid, ({ message }) => message.kind);
  const typeCases = casesBy(vectors.valid, ({ message }) => message.body?.type);
  const refused = vectors.invalid.flatMap(({ hex }) => {
    const item = decodeCbor(fromHex(hex));
    return Array.isArray(item) ? [item as unknown[]] : [];
  });
  for (const [kind, row] of Object.entries(messageKinds)) {
    for (const wanted of fourCases.slice(0, 3)) assert.ok(cases(kind).has(wanted), `${kind}: no ${wanted}`);
    assert.ok(
      refused.some((item) => item[0] === row.number),
      `${kind}: no invalid`,
    );
  }
  for (const [type, row] of Object.entries(reportTypes)) {
    for (const wanted of fourCases.slice(0, 3)) {
      assert.ok(typeCases(type).has(wanted), `report ${type}: no ${wanted}`);
    }
    const { number } = messageKinds.report;
    assert.ok(
      refused.some((item) => item[0] === number && item[3] === row.number),
      `report ${type}: no invalid`,
    );
  }
});

test("every op's arguments and results have valid, minimum, maximum and invalid vectors", () => {
  const argumentCases = casesBy(vectors.arguments, ({ op }) => op);
  const resultCases = casesBy(vectors.results, ({ op }) => op);
  for (const row of Object.values(commands)) {
    // If there are no arguments none can be wrong: they come absent, or are a later version's.
    const none = Object.keys(row.requestFields).length === 0;
    for (const wanted of none ? ["minimum", "skipping"] : [...fourCases, "skipping"]) {
      assert.ok(argumentCases(row.op).has(wanted), `${row.name}: no arguments that are ${wanted}`);
    }
    if (Object.keys(row.responseFields).length === 0) continue;
    for (const wanted of fourCases) {
      assert.ok(resultCases(row.op).has(wanted), `${row.name}: no results that are ${wanted}`);
    }
  }
});

type AnyCommand = CommandRow<unknown, unknown>;
function commandOf({ op, name }: CommandVector): AnyCommand {
  const row = commandByOp(op);
  assert.ok(row, name);
  return row as unknown as AnyCommand;
}
const elementsOf = ({ hex }: CommandVector) => decodeCbor(fromHex(hex)) as readonly CborValue[];

test("every vector of arguments is read, and written back, or refused with its code", () => {
  for (const vector of vectors.arguments) {
    const row = commandOf(vector);
    const elements = elementsOf(vector);
    if (vector.error) {
      assert.throws(() => row.decodeRequest(elements), { code: vector.error }, vector.name);
      continue;
    }
    const args = row.decodeRequest(elements);
    assert.deepEqual(toNotation(args), vector.args, vector.name);
    const written = row.encodeRequest(args);
    if (vector.case !== "skipping") assert.equal(toHex(encodeCbor(written)), vector.hex, vector.name);
    assert.ok(
      encodeMessage({ kind: "request", id: 0xffff, op: row.op, args: elements }).length <=
        limits.messageBytes,
      vector.name,
    );
  }
});

test("every vector of results is read, and written back, or refused with its code", () => {
  for (const vector of vectors.results) {
    const row = commandOf(vector);
    const elements = elementsOf(vector);
    if (vector.error) {
      assert.throws(() => row.decodeResult(elements), { code: vector.error }, vector.name);
      continue;
    }
    const result = row.decodeResult(elements);
    assert.deepEqual(toNotation(result), vector.result, vector.name);
    if (vector.case !== "skipping") {
      assert.equal(toHex(encodeCbor(row.encodeResult(result))), vector.hex, vector.name);
    }
    const message = encodeMessage({ kind: "response", id: 0xffff, status: 0, result: elements });
    assert.ok(message.length <= limits.messageBytes, `${vector.name}: ${message.length} bytes`);
  }
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
  assert.equal(bytesOf("hello with everything at its largest").length, 127);
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
