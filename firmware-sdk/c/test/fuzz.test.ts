import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { commands, decodeMessage, Status } from "@motelet/profiles";
import { soak } from "../../../profiles/test/soak.ts";
import { buildFolder, Driver, make } from "./driver.ts";
import { readVectors } from "./vectors.ts";

const fuzzer = `${buildFolder}host/fuzz`;
const runs = 20_000 * soak;

/** What once read out of bounds: [−16, "o"] where a stream and a path belong. */
const once = "822f616f";
const request = (op: number) => `850201${op.toString(16).padStart(2, "0")}${once.slice(2)}`;
const welcome = "89010107008200000a1901f40400";

let folder: string;
before(async () => {
  await make(fuzzer);
  folder = await mkdtemp(join(tmpdir(), "mote-fuzz-"));
});
after(() => rm(folder, { recursive: true }));

/** Runs a target from these seeds on; a crash fails with the sanitizer's words and the input. */
async function fuzz(target: string, seeds: readonly string[]): Promise<void> {
  const corpus = join(folder, target);
  await mkdir(corpus);
  for (const [index, hex] of seeds.entries())
    await writeFile(join(corpus, String(index)), Buffer.from(hex, "hex"));
  const options = [`-runs=${runs}`, "-seed=1", "-max_len=256", "-timeout=10", "-verbosity=0"];
  const artifact = join(folder, `${target}-crash-`);
  await promisify(execFile)(fuzzer, [...options, `-artifact_prefix=${artifact}`, corpus], {
    env: { ...process.env, MOTE_FUZZ: target },
  }).catch((error: { stderr: string }) => assert.fail(`fuzzing ${target}: ${error.stderr}`));
}

const vectors = readVectors<{
  readonly valid: readonly { readonly hex: string }[];
  readonly invalid: readonly { readonly hex: string }[];
  readonly arguments: readonly { readonly op: number; readonly case: string; readonly hex: string }[];
}>("message.json");
const messages = [...vectors.valid, ...vectors.invalid].map(({ hex }) => hex);

test("a message, and the line that it comes by, are read within their bounds", () => fuzz("codec", messages));

test("whatever messages come to an open session, it reads and writes within bounds", () =>
  fuzz(
    "dispatch",
    messages
      .filter((hex) => hex.length / 2 < 0x100)
      .map((hex) => (hex.length / 2).toString(16).padStart(2, "0") + hex),
  ));

for (const [name, { op }] of Object.entries(commands))
  test(`whatever arguments a request of ${name} has, they are read within their bounds`, () => {
    const seeds = vectors.arguments.filter((vector) => vector.op === op).map(({ hex }) => hex);
    return fuzz(String(op), [...seeds, once]);
  });

test("each command that has arguments refuses a negative integer and a short text", async () => {
  await using driver = await Driver.start(256);
  for (const [name, { op }] of Object.entries(commands)) {
    await driver.ask("session 1 65535 500 0 0 0");
    await driver.askBlock("open 0", "wait");
    await driver.askBlock(`receive 10 ${welcome}`, "wait");
    const lines = await driver.askBlock(`receive 20 ${request(op)}`, "wait");
    const responses = lines
      .filter((line) => line.startsWith("send "))
      .map((line) => decodeMessage(Buffer.from(line.slice(5), "hex")).message)
      .filter((message) => message.kind === "response");
    const takesSome = vectors.arguments.some((vector) => vector.op === op && vector.case === "invalid");
    assert.deepEqual(
      responses.map(({ status }) => status),
      [takesSome ? Status.INVALID_ARGUMENT : Status.OK],
      name,
    );
  }
});
