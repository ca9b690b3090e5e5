import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { systemClock } from "../../src/foundation/clock.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { HttpKubeClient } from "../../src/kubeapi/client.ts";
import { SequenceBlocks } from "../../src/mirror/sequence-blocks.ts";
import { openStore } from "../../src/store/store.ts";
import { buildNonce } from "../../src/transport/coap/oscore/aead.ts";
import {
  type CoapMessage,
  coapOption,
  noBytes,
  optionOf,
} from "../../src/transport/coap/oscore/coap-message.ts";
import { kidOf } from "../../src/transport/coap/oscore/device-context.ts";
import { OscoreEndpoint } from "../../src/transport/coap/oscore/oscore-endpoint.ts";
import { decodeOscoreOption } from "../../src/transport/coap/oscore/oscore-option.ts";
import { message } from "../../src/transport/coap/oscore/oscore-test-bed.ts";
import { PeerTable } from "../../src/transport/coap/oscore/peer-table.ts";
import {
  protectRequest,
  type RequestBinding,
  unprotectResponse,
} from "../../src/transport/coap/oscore/protection.ts";
import { deriveContext } from "../../src/transport/coap/oscore/security-context.ts";
import { SequenceSources } from "../../src/transport/coap/oscore/sequence-sources.ts";
import { FakeApiServer } from "../fakes/fake-api-server.ts";

const key = new Uint8Array(16).fill(7);
const identity = { wireId: "lamp", generation: 1 };

/** A gateway process with what it has of OSCORE: store, API client, sequence, endpoint. */
function startGateway(
  storePath: string,
  apiUrl: string,
  secretUid = "secret-1",
  responseNonce: "request" | "own" = "own",
) {
  const metrics = new Metrics();
  const store = openStore({ path: storePath, metrics });
  const kube = new HttpKubeClient({
    credentials: { source: "a test", server: apiUrl, verify: true, token: async () => undefined },
    clock: systemClock,
    metrics,
    timing: { requestTimeoutMs: 1_000 },
  });
  const refusals: string[] = [];
  const sources = new SequenceSources({
    blocks: new SequenceBlocks(kube),
    keyValues: store.keyValues,
    clock: systemClock,
    random: Math.random,
    onRefused: (_record, reason) => refusals.push(reason),
  });
  const peers = new PeerTable((...key) => sources.of(...key));
  peers.set("lamp", [{ generation: 1, key, secretUid }]);
  return {
    peers,
    refusals,
    endpoint: new OscoreEndpoint(peers, { randomBytes, responseNonce }),
    async [Symbol.asyncDispose]() {
      sources[Symbol.dispose]();
      store[Symbol.dispose]();
      await kube[Symbol.asyncDispose]();
    },
  };
}
type TestGateway = ReturnType<typeof startGateway>;

/** A device, and somebody who records everything and knows the key. */
class RecordedDevice {
  readonly context = deriveContext({
    masterSecret: key,
    masterSalt: Buffer.from("lamp.1"),
    senderId: kidOf(identity),
    recipientId: noBytes,
  });
  readonly requests: CoapMessage[] = [];
  /** Nonce → what it encrypted. */
  readonly #ciphertexts = new Map<string, string>();
  readonly repeatedNonces: string[] = [];
  #sequence = 0;

  send(options: CoapMessage["options"] = []) {
    const sent = protectRequest(this.context, message(0x02, options, "beat"), this.#sequence++);
    this.requests.push(sent.message);
    return sent;
  }

  record(response: CoapMessage, binding: RequestBinding): void {
    const option = decodeOscoreOption(optionOf(response, coapOption.oscore) ?? noBytes);
    const nonce = option?.partialIv
      ? buildNonce(noBytes, option.partialIv, this.context.commonIv)
      : buildNonce(binding.kid, binding.partialIv, this.context.commonIv);
    const [name, content] = [nonce, response.payload].map((bytes) => Buffer.from(bytes).toString("hex"));
    const known = this.#ciphertexts.get(name as string);
    if (known !== undefined && known !== content) this.repeatedNonces.push(name as string);
    this.#ciphertexts.set(name as string, content as string);
  }

  /** Says hello until the gateway believes that it is fresh. */
  async greet({ endpoint }: TestGateway) {
    let first = this.send();
    let received = endpoint.receive(first.message);
    if (received.kind === "waiting") {
      await received.peer.sequence.ready;
      received = endpoint.receive(first.message);
    }
    for (let round = 0; received.kind === "challenge" && round < 3; round++) {
      this.record(received.response, first.binding);
      const read = unprotectResponse(this.context, received.response, first.binding);
      assert.ok(read.ok);
      const echo = optionOf(read.message, coapOption.echo);
      assert.ok(echo);
      first = this.send([[coapOption.echo, echo]]);
      received = endpoint.receive(first.message);
    }
    assert.ok(received.kind === "request", received.kind);
    return received.exchange;
  }
}

async function workFolder() {
  const folder = await mkdtemp(join(tmpdir(), "motelet-oscore-"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("no nonce protects two messages, through restarts, deleted stores, outages of the API server and replayed requests", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  const device = new RecordedDevice();
  const requests = () => server.requests.filter(({ method }) => method === "PUT").length;
  for (let life = 0; life < 12; life++) {
    const [lostDisk, apiAway] = [life % 4 === 3, life % 3 === 2 && life % 4 !== 3];
    if (lostDisk) await rm(join(work.folder, "store.db"), { force: true });
    if (lostDisk) await rm(join(work.folder, "store.db-wal"), { force: true });
    server.fault = apiAway ? () => ({ status: 500 }) : undefined;
    const before = requests();
    const nonce = life % 2 === 0 ? "request" : "own";
    await using gateway = startGateway(join(work.folder, "store.db"), server.url, "secret-1", nonce);
    for (const request of device.requests.slice(-60)) {
      const received = gateway.endpoint.receive(request);
      assert.notEqual(received.kind, "request", "a recorded request was accepted");
    }
    const exchange = await device.greet(gateway);
    for (let index = 0; index < 40; index++) {
      const response = gateway.endpoint.respond(exchange, message(0x45, [[6, noBytes]], `${life}/${index}`));
      assert.ok(response);
      device.record(response, exchange.binding);
      const sent = device.send();
      const received = gateway.endpoint.receive(sent.message);
      assert.ok(received.kind === "request");
      const reply = gateway.endpoint.respond(received.exchange, message(0x44, [], `ok ${life}`));
      assert.ok(reply);
      device.record(reply, received.exchange.binding);
    }
    if (apiAway) assert.equal(requests() - before, 0, "the rest in the store served the restart");
  }
  assert.deepEqual(device.repeatedNonces, []);
});

test("without a store of its own and without the API server a gateway sends nothing, and goes on when the API server is back", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  server.fault = () => ({ status: 500 });
  await using gateway = startGateway(join(work.folder, "store.db"), server.url);
  const device = new RecordedDevice();
  const { message: request } = device.send();
  assert.equal(gateway.endpoint.receive(request).kind, "waiting");
  await until("a request", () => server.requests.length > 0);
  assert.equal(gateway.endpoint.receive(request).kind, "waiting");
  server.fault = undefined;
  await until("a challenge", () => gateway.endpoint.receive(request).kind !== "waiting");
});

test("two gateways with stores of their own never use one nonce twice", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  const device = new RecordedDevice();
  await using first = startGateway(join(work.folder, "first.db"), server.url);
  await using second = startGateway(join(work.folder, "second.db"), server.url);
  for (let move = 0; move < 6; move++) {
    const gateway = move % 2 === 0 ? first : second;
    for (const peer of gateway.peers.ofWireId("lamp")) peer.unverify();
    const exchange = await device.greet(gateway);
    for (let index = 0; index < 20; index++) {
      const response = gateway.endpoint.respond(exchange, message(0x45, [[6, noBytes]], `${move}/${index}`));
      assert.ok(response);
      device.record(response, exchange.binding);
    }
  }
  assert.deepEqual(device.repeatedNonces, []);
});

test("a Secret that came back with the same key under another UID gets no sequence number, and somebody is told", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  {
    await using gateway = startGateway(join(work.folder, "store.db"), server.url);
    await new RecordedDevice().greet(gateway);
  }
  await using gateway = startGateway(join(work.folder, "store.db"), server.url, "secret-2");
  const { message: request } = new RecordedDevice().send();
  assert.equal(gateway.endpoint.receive(request).kind, "waiting");
  await until("a refusal", () => gateway.refusals.length > 0);
  assert.deepEqual(gateway.refusals, ["KEY_REPLACED"]);
  assert.equal(gateway.endpoint.receive(request).kind, "waiting");
});

test("the key of another Secret is noticed while the gateway runs, too", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  await using gateway = startGateway(join(work.folder, "store.db"), server.url);
  const exchange = await new RecordedDevice().greet(gateway);
  gateway.peers.set("lamp", [{ generation: 1, key, secretUid: "secret-2" }]);
  assert.deepEqual(gateway.refusals, ["KEY_REPLACED"]);
  gateway.endpoint.respond(exchange, message(0x44));
  assert.equal(gateway.endpoint.respond(exchange, message(0x44)), undefined);
});

test("a device that never comes by CoAP costs no request to the API server", async () => {
  await using server = await new FakeApiServer().start();
  await using work = await workFolder();
  await using gateway = startGateway(join(work.folder, "store.db"), server.url);
  gateway.peers.set("lamp", [{ generation: 1, key, secretUid: "secret-2" }]);
  assert.deepEqual(gateway.refusals, []);
  await new RecordedDevice().greet(gateway);
  assert.equal(server.requests.length, 3, "read, create, reserve");
});
