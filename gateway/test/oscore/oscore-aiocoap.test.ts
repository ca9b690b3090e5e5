import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pythonPath } from "../../../profiles/test/python-path.ts";
import {
  type CoapMessage,
  coapOption,
  noBytes,
  optionOf,
} from "../../src/transport/coap/oscore/coap-message.ts";
import { kidOf } from "../../src/transport/coap/oscore/device-context.ts";
import { OscoreEndpoint } from "../../src/transport/coap/oscore/oscore-endpoint.ts";
import { message, numbersFrom, toHex } from "../../src/transport/coap/oscore/oscore-test-bed.ts";
import { PeerTable } from "../../src/transport/coap/oscore/peer-table.ts";
import { decodePlaintext, encodePlaintext } from "../../src/transport/coap/oscore/plaintext.ts";
import { protectRequest, unprotectResponse } from "../../src/transport/coap/oscore/protection.ts";
import { deriveContext } from "../../src/transport/coap/oscore/security-context.ts";
import { aiocoapPackages } from "./aiocoap-packages.ts";

interface Result {
  readonly message: string;
  readonly observe?: number | null;
  readonly key: string;
  readonly iv: string;
  readonly error?: string;
}

/** aiocoap in a process of its own. */
class Aiocoap implements Disposable {
  readonly #process;
  readonly #lines;

  constructor() {
    const script = fileURLToPath(new URL("aiocoap_peer.py", import.meta.url));
    this.#process = spawn("python3", [script], {
      env: { ...process.env, PYTHONPATH: pythonPath(aiocoapPackages) },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async call(request: object): Promise<Result> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    assert.ok(!line.done, "aiocoap ended");
    return JSON.parse(line.value) as Result;
  }

  derive(secret: Uint8Array, salt: string, sender: Uint8Array, recipient: Uint8Array): Promise<Result> {
    const ids = { sender: toHex(sender), recipient: toHex(recipient) };
    return this.call({ do: "derive", secret: toHex(secret), salt: toHex(Buffer.from(salt)), ...ids });
  }

  async protect(inner: CoapMessage): Promise<CoapMessage> {
    return parse((await this.call({ do: "protect", message: format(inner) })).message);
  }

  unprotect(outer: CoapMessage): Promise<Result> {
    return this.call({ do: "unprotect", message: format(outer) });
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

const format = (content: CoapMessage) => toHex(encodePlaintext(content));

function parse(text: string): CoapMessage {
  const parsed = decodePlaintext(Buffer.from(text, "hex"));
  assert.ok(parsed);
  return parsed;
}

const key = new Uint8Array(32).fill(9);
const identity = { wireId: "lamp", generation: 3 };
const path = [11, Buffer.from("m")] as const;

test("aiocoap as a device: derives the same context, is challenged, answered and notified, and refuses what is not for it", async () => {
  using peer = new Aiocoap();
  let sequence = 70_000;
  const peers = new PeerTable(() => numbersFrom(() => sequence++));
  const endpoint = new OscoreEndpoint(peers, { randomBytes, responseNonce: "request" });
  peers.set("lamp", [{ generation: 3, key, secretUid: "s" }]);
  const derived = await peer.derive(key, "lamp.3", kidOf(identity), noBytes);
  const context = peers.ofWireId("lamp")[0]?.context;
  assert.equal(derived.key, toHex(context?.recipientKey.export() ?? noBytes));
  assert.equal(derived.iv, toHex(context?.commonIv ?? noBytes));

  const hello = message(0x05, [[coapOption.observe, noBytes], path], "hello");
  const challenge = endpoint.receive(await peer.protect(hello));
  assert.ok(challenge.kind === "challenge");
  const challenged = parse((await peer.unprotect(challenge.response)).message);
  assert.equal(challenged.code, 0x81);
  const echo = optionOf(challenged, coapOption.echo);
  assert.ok(echo);

  const registration = { ...hello, options: [...hello.options, [coapOption.echo, echo] as const] };
  const accepted = endpoint.receive(await peer.protect(registration));
  assert.ok(accepted.kind === "request");
  assert.equal(format(accepted.message), format(hello));
  for (const [index, text] of ["welcome", "first", "second"].entries()) {
    const notification = message(0x45, [[coapOption.observe, Uint8Array.of(index)]], text);
    const protectedMessage = endpoint.respond(accepted.exchange, notification);
    assert.ok(protectedMessage);
    const read = await peer.unprotect(protectedMessage);
    assert.deepEqual(read, {
      message: format(message(0x45, [], text)),
      observe: index === 0 ? -1 : 70_000 + index,
    });
  }

  const beat = await peer.protect(message(0x02, [path], "beat"));
  const received = endpoint.receive(beat);
  assert.ok(received.kind === "request");
  assert.equal(format(received.message), format(message(0x02, [path], "beat")));
  const reply = endpoint.respond(received.exchange, message(0x44, [], "down"));
  assert.ok(reply);
  const tampered = { ...reply, payload: reply.payload.map((byte, index) => (index === 3 ? byte ^ 1 : byte)) };
  assert.deepEqual(await peer.unprotect(tampered), { error: "ProtectionInvalid" });
  assert.equal((await peer.unprotect(reply)).message, format(message(0x44, [], "down")));
  assert.deepEqual(endpoint.receive(beat), { kind: "refused", fault: "replayed" });
});

test("aiocoap as a gateway: reads our requests, refuses their replay, and we read its responses", async () => {
  using peer = new Aiocoap();
  const kid = kidOf(identity);
  await peer.derive(key, "lamp.3", noBytes, kid);
  const salt = Buffer.from("lamp.3");
  const device = deriveContext({ masterSecret: key, masterSalt: salt, senderId: kid, recipientId: noBytes });
  for (const sequence of [0, 1, 255, 256, 70_000, 2 ** 32, 2 ** 40 - 1]) {
    const request = message(0x02, [path, [12, noBytes], [15, Buffer.from("a=1")]], `report ${sequence}`);
    const sent = protectRequest(device, request, sequence);
    assert.equal((await peer.unprotect(sent.message)).message, format(request));
    for (const text of ["", "own number"]) {
      const response = await peer.protect(message(0x45, [[12, Uint8Array.of(60)]], text));
      const read = unprotectResponse(device, response, sent.binding);
      assert.ok(read.ok);
      assert.equal(format(read.message), format(message(0x45, [[12, Uint8Array.of(60)]], text)));
    }
    assert.deepEqual(await peer.unprotect(sent.message), { error: "ReplayError" });
  }
});
