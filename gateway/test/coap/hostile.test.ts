import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { soak } from "../../../profiles/test/soak.ts";
import { encodeDatagram } from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Option } from "../../src/transport/coap/message/options.ts";
import { CoapTransportBed, hello, helloOptions, text } from "./transport-bed.ts";
import { seededRandom } from "./udp-proxy.ts";

const message = Uint8Array.of(0x82, 5, 1);
const post = {
  type: "CON",
  code: Code.post,
  options: [text(Option.uriPath, "m")],
  payload: message,
} as const;

/** Sends in portions that fit the receive buffer, so that every datagram is received. */
async function sendAll(bed: CoapTransportBed, count: number, send: (index: number) => void): Promise<void> {
  const received = () => bed.metrics.valueOf("motelet_coap_received_total");
  const before = await received();
  for (let index = 0; index < count; ) {
    for (const end = Math.min(count, index + 50); index < end; index++) send(index);
    await until("all have come", async () => (await received()) - before >= index);
  }
}

test("datagrams with flipped bits, cut or extended, open no channel and fail nothing; the gateway serves on", async () => {
  await using bed = await CoapTransportBed.start();
  const attacker = await bed.client();
  const random = seededRandom(7);
  const valid = [
    encodeDatagram({ ...post, messageId: 1, token: Uint8Array.of(1) }),
    encodeDatagram({
      type: "CON",
      code: Code.fetch,
      messageId: 2,
      token: Uint8Array.of(2),
      options: helloOptions("lamp01", { password: "wrong" }),
      payload: hello,
    }),
    encodeDatagram({
      ...post,
      code: Code.get,
      options: [text(Option.uriPath, "info")],
      messageId: 3,
      token: Uint8Array.of(3),
    }),
  ];
  await sendAll(bed, 2_000 * soak, () => {
    const bytes = Buffer.from(valid[Math.floor(random() * valid.length)] as Uint8Array);
    for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--) {
      const at = Math.floor(random() * bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    const length = Math.floor(random() * (bytes.length + 1));
    attacker.sendRaw(
      random() < 0.3 ? bytes.subarray(0, length) : random() < 0.1 ? Buffer.concat([bytes, bytes]) : bytes,
    );
  });
  assert.equal(bed.channels.length, 0);
  assert.ok((await bed.metrics.valueOf("motelet_coap_malformed_total")) > 100);
  assert.equal(await bed.metrics.valueOf("motelet_coap_responses_total", { code: "5.00" }), 0);
  const device = await bed.client();
  assert.equal((await device.greet("lamp01")).code, Code.content);
});

test("datagrams of strangers reach no channel, and a device is served while they come", async () => {
  await using bed = await CoapTransportBed.start({ limits: { strangers: 16 } });
  const device = await bed.client();
  await device.greet("lamp01");
  const strangers = await Promise.all(Array.from({ length: 40 }, () => bed.client()));
  let answered = 0;
  const flood = sendAll(bed, 4_000 * soak, (index) => strangers[index % 40]?.send(post));
  const load = flood.then(() => true);
  for (let isOver = false; !isOver; ) {
    assert.equal((await device.post(message)).code, Code.changed);
    answered += 1;
    isOver = await Promise.race([load, new Promise<false>((resolve) => setTimeout(() => resolve(false), 5))]);
  }
  assert.equal(bed.channels.length, 1);
  assert.equal(bed.channels[0]?.messages.length, answered + 1);
  assert.equal(bed.channels[0]?.closedFor, undefined);
  assert.equal(await bed.refused("no-channel"), 4_000 * soak);
  assert.ok((await bed.dropped("stranger-evicted")) > 0);
  assert.ok((await bed.metrics.valueOf("motelet_coap_peers", { kind: "stranger" })) <= 16);
  assert.ok(bed.logLines("no-channel").length <= 60, "log lines are limited");
});

test("a device's datagrams that somebody repeats later, from its address or from another, have no effect", async () => {
  await using bed = await CoapTransportBed.start();
  const [device, attacker] = [await bed.client(), await bed.client()];
  await device.greet("lamp01");
  const recorded = Array.from({ length: 50 }, (_, index) =>
    encodeDatagram({ ...post, messageId: 100 + index, token: Uint8Array.of(9, index) }),
  );
  // The ids of the device go on from its hello.
  for (const bytes of recorded) device.sendRaw(bytes);
  const handled = () => bed.channels[0]?.messages.length;
  await until("all are handled", () => handled() === 51);
  await sendAll(bed, 500 * soak, (index) => {
    const bytes = recorded[index % 50] as Uint8Array;
    (index % 2 === 0 ? device : attacker).sendRaw(bytes);
  });
  assert.equal(handled(), 51);
});
