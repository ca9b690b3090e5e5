import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeApiServer } from "../../test/fakes/fake-api-server.ts";
import { systemClock } from "../foundation/clock.ts";
import { Metrics } from "../foundation/metrics.ts";
import { HttpKubeClient } from "../kubeapi/client.ts";
import { type OscoreSequence, oscoreSequencesPath, sequenceBlock } from "../resources/oscore-sequence.ts";
import { SequenceBlocks } from "./sequence-blocks.ts";

const claim = { wireId: "lamp", generation: 1, fingerprint: "0a1b", secretUid: "secret-1" };
const path = `${oscoreSequencesPath}/lamp.1.0a1b`;
const never = new AbortController().signal;

async function bed() {
  const server = await new FakeApiServer().start();
  const kube = new HttpKubeClient({
    credentials: { source: "a test", server: server.url, verify: true, token: async () => undefined },
    clock: systemClock,
    metrics: new Metrics(),
    timing: { requestTimeoutMs: 2_000 },
  });
  return {
    server,
    blocks: new SequenceBlocks(kube),
    specAt: () => server.at(path)?.spec as OscoreSequence["spec"],
    async [Symbol.asyncDispose]() {
      await kube[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const blockAt = (index: number) => ({
  reserved: true,
  block: { from: index * sequenceBlock, end: (index + 1) * sequenceBlock },
});

test("each reservation is the next block, and the record says whose key it is", async () => {
  await using at = await bed();
  assert.deepEqual(await at.blocks.reserve(claim, 0, never), blockAt(0));
  assert.deepEqual(await at.blocks.reserve(claim, sequenceBlock, never), blockAt(1));
  const recordUid = at.server.at(path)?.metadata.uid;
  const next = 2 * sequenceBlock;
  const expected = { wireId: "lamp", generation: 1, secretUid: "secret-1", recordUid, next, retired: false };
  assert.deepEqual(at.specAt(), expected);
});

test("gateways that reserve at the same time get different blocks, from the first one on", async () => {
  await using at = await bed();
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => at.blocks.reserve(claim, 0, never)));
  const starts = outcomes.map((outcome) => (outcome.reserved ? outcome.block.from : -1));
  assert.deepEqual(
    starts.sort((a, b) => a - b),
    Array.from({ length: 8 }, (_, index) => index * sequenceBlock),
  );
});

test("a block whose answer was lost is not reserved again", async () => {
  await using at = await bed();
  await at.blocks.reserve(claim, 0, never);
  const stored = at.server.at(path);
  assert.ok(stored);
  // The write came through, the answer did not: the caller tries again.
  at.server.put(oscoreSequencesPath, { ...stored, spec: { ...at.specAt(), next: 2 * sequenceBlock } });
  assert.deepEqual(await at.blocks.reserve(claim, 0, never), blockAt(2));
});

test("a key that comes in another Secret is refused, as a backup brings it", async () => {
  await using at = await bed();
  await at.blocks.reserve(claim, 0, never);
  const outcome = await at.blocks.reserve({ ...claim, secretUid: "secret-2" }, 0, never);
  assert.deepEqual(outcome, { reserved: false, reason: "KEY_REPLACED" });
  assert.equal(at.specAt().next, sequenceBlock);
});

test("a record that was deleted and put back from a backup is refused", async () => {
  await using at = await bed();
  await at.blocks.reserve(claim, 0, never);
  const spec = at.specAt();
  at.server.remove(path);
  at.server.put(oscoreSequencesPath, { metadata: { name: "lamp.1.0a1b" }, spec });
  assert.deepEqual(await at.blocks.reserve(claim, 0, never), { reserved: false, reason: "KEY_REPLACED" });
});

test("who finds the record in an earlier state retires the key for everybody", async () => {
  await using at = await bed();
  await at.blocks.reserve(claim, 0, never);
  const outcome = await at.blocks.reserve(claim, 2 * sequenceBlock, never);
  assert.deepEqual(outcome, { reserved: false, reason: "WENT_BACK" });
  assert.equal(at.specAt().retired, true);
  assert.deepEqual(await at.blocks.reserve(claim, 0, never), { reserved: false, reason: "WENT_BACK" });
});

test("the last block of 40 bits is reserved, and none after it", async () => {
  await using at = await bed();
  await at.blocks.reserve(claim, 0, never);
  const stored = at.server.at(path);
  assert.ok(stored);
  const next = 2 ** 40 - sequenceBlock;
  at.server.put(oscoreSequencesPath, { ...stored, spec: { ...at.specAt(), next } });
  const last = await at.blocks.reserve(claim, 0, never);
  assert.deepEqual(last, { reserved: true, block: { from: next, end: 2 ** 40 } });
  assert.deepEqual(await at.blocks.reserve(claim, 0, never), { reserved: false, reason: "EXHAUSTED" });
});

test("an API server that refuses or is contended gives no block", async () => {
  await using at = await bed();
  at.server.fault = () => ({ status: 403 });
  await assert.rejects(at.blocks.reserve(claim, 0, never), { code: "Forbidden" });
  at.server.fault = (request) => (request.method === "PUT" ? { status: 409 } : undefined);
  await assert.rejects(at.blocks.reserve(claim, 0, never), { code: "SEQUENCE_CONTENDED" });
});
