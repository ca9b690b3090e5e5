import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUserName } from "@motelet/profiles";
import { until } from "@motelet/testing";
import type { CoapMessage, MessageContent } from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Option, optionTexts } from "../../src/transport/coap/message/options.ts";
import type { MessageProtection } from "../../src/transport/coap/protection.ts";
import { type CoapClient, CoapTransportBed, hello, text } from "./transport-bed.ts";

/* The place for OSCORE, with a protection that protects nothing: the OSCORE option is a name, and sealing is counted. */

function fakeProtection() {
  const sealed = { response: 0, notification: 0 };
  const state = { canSeal: true, isPostponed: false, isPlainAllowed: false };
  const left: string[] = [];
  const protection: MessageProtection = {
    open(message) {
      const [name] = optionTexts(message.options, Option.oscore);
      const identity = name === undefined ? undefined : parseUserName(name);
      if (!identity && state.isPlainAllowed)
        return { kind: "opened", content: message, seal: (plain) => plain };
      if (!identity) return { kind: "refused", reason: "insecure", names: [] };
      if (state.isPostponed) return { kind: "postponed" };
      const seal = (inner: MessageContent, kind: "response" | "notification") => {
        if (!state.canSeal) return undefined;
        sealed[kind] += 1;
        return { ...inner, payload: Uint8Array.of(0xee, ...inner.payload) };
      };
      const options = message.options.filter(({ number }) => number !== Option.oscore);
      return { kind: "opened", content: { ...message, options }, identity, seal };
    },
    left: ({ wireId, generation }) => left.push(`${wireId}.${generation}`),
  };
  return { protection, sealed, state, left };
}

const greet = (client: CoapClient, name: string): Promise<CoapMessage> =>
  client.ask({
    code: Code.fetch,
    payload: hello,
    options: [
      { number: Option.observe, value: new Uint8Array(0) },
      text(Option.oscore, name),
      text(Option.uriPath, "m"),
    ],
  });
const post = (client: CoapClient, name: string, echo?: Uint8Array): Promise<CoapMessage> =>
  client.ask({
    code: Code.post,
    payload: Uint8Array.of(0x82, 5, 1),
    options: [
      text(Option.oscore, name),
      text(Option.uriPath, "m"),
      ...(echo ? [{ number: Option.echo, value: echo }] : []),
    ],
  });

test("a protected hello needs no credential, and everything that goes back is sealed", async () => {
  const { protection, sealed } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection, insecure: false });
  const client = await bed.client();
  const welcome = await greet(client, "lamp01.1");
  assert.deepEqual(welcome.payload, Uint8Array.of(0xee, ...(bed.welcome ?? [])));
  bed.channels[0]?.channel.send(Uint8Array.of(0x82, 7, 1));
  await until("the notification comes", () => client.received.length === 2);
  assert.deepEqual(client.received[1]?.payload, Uint8Array.of(0xee, 0x82, 7, 1));
  assert.deepEqual(sealed, { response: 1, notification: 1 });
  assert.equal((await greet(client, "nobody.1")).code, Code.unauthorized);
  assert.equal((await greet(client, "lamp01.2")).code, Code.unauthorized);
});

test("a refused request gets no response if the protection gives none, and is acknowledged", async () => {
  const { protection } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  client.send({ options: [text(Option.uriPath, "info")] });
  await until("it is acknowledged", () => client.received.length === 1);
  assert.equal(client.received[0]?.code, Code.empty);
  assert.equal(await bed.refused("insecure"), 1);
});

test("the identity names the channel: fresh traffic from another address moves it there, and nothing is opened again", async () => {
  const { protection } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const [home, away] = [await bed.client(), await bed.client()];
  const { token } = await greet(home, "lamp01.1");
  const before = bed.channels[0]?.channel.peer;
  assert.equal((await post(away, "lamp01.1")).code, Code.changed);
  assert.equal(bed.channels.length, 1);
  assert.notEqual(bed.channels[0]?.channel.peer, before);
  assert.equal(bed.channels[0]?.messages.length, 2);
  bed.channels[0]?.channel.send(Uint8Array.of(0x82, 7, 1));
  const arrived = (client: CoapClient) =>
    client.received.some((each) => Buffer.from(each.token).equals(token) && each.payload[2] === 7);
  await until("the notification comes to the new address", () => arrived(away));
  assert.equal(home.received.length, 1);
  // The new address is not verified.
  bed.channels[0]?.channel.send(new Uint8Array(1_000));
  await until("a large message is dropped", async () => (await bed.dropped("amplification")) === 1);
});

test("a device at a new address is asked for an Echo until it has returned one, and is sent large messages from then on", async () => {
  const { protection } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const [home, away] = [await bed.client(), await bed.client()];
  await greet(home, "lamp01.1");
  const echoOf = ({ options }: CoapMessage) => options.find(({ number }) => number === Option.echo)?.value;
  const echo = echoOf(await post(away, "lamp01.1"));
  assert.ok(echo);
  assert.ok(echoOf(await post(away, "lamp01.1")));
  assert.equal(echoOf(await post(away, "lamp01.1", echo)), undefined);
  bed.channels[0]?.channel.send(new Uint8Array(1_000));
  await until("it comes", () => away.received.some(({ payload }) => payload.length === 1_001));
});

test("a plain message from the address of a protected channel does not come in over it", async () => {
  const { protection, state } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  await greet(client, "lamp01.1");
  state.isPlainAllowed = true;
  assert.equal((await client.post(Uint8Array.of(0x82, 5, 1))).code, Code.unauthorized);
  assert.equal(await bed.refused("no-channel"), 1);
  assert.equal((await post(client, "lamp01.1")).code, Code.changed);
  // With the password it is another channel, also from the same address.
  assert.equal((await client.greet("lamp01", { attempt: 2 })).code, Code.content);
  assert.deepEqual(
    bed.channels.map(({ closedFor }) => closedFor),
    ["taken over", undefined],
  );
  assert.equal((await post(client, "lamp01.1")).code, Code.unauthorized);
});

test("the protection is told which identity has left when its channel is closed, not that of plain channels", async () => {
  const { protection, state, left } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const [first, second] = [await bed.client(), await bed.client()];
  await greet(first, "lamp01.1");
  state.isPlainAllowed = true;
  await second.greet("lamp02");
  await post(second, "lamp01.1");
  assert.deepEqual(left, []);
  for (const { channel } of bed.channels) channel.close("test");
  assert.deepEqual(left, ["lamp01.1"]);
});

test("an identity cannot speak on the channel of another one, wherever it is", async () => {
  const { protection } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  await greet(client, "lamp01.1");
  assert.equal((await post(client, "lamp02.1")).code, Code.unauthorized);
  assert.equal((await post(client, "lamp01.2")).code, Code.unauthorized);
  assert.equal(bed.channels[0]?.messages.length, 1);
});

test("two devices behind one address have a channel each", async () => {
  const { protection } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  await greet(client, "lamp01.1");
  await greet(client, "lamp02.1");
  await post(client, "lamp01.1");
  assert.deepEqual(
    bed.channels.map(({ messages, closedFor }) => [messages.length, closedFor]),
    [
      [2, undefined],
      [1, undefined],
    ],
  );
});

test("a postponed request has no reply, and its retransmission is a new request", async () => {
  const { protection, state } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  state.isPostponed = true;
  const parts = { options: [text(Option.oscore, "lamp01.1"), text(Option.uriPath, "time")], messageId: 7 };
  client.send(parts);
  await until("it has come", async () => (await bed.metrics.valueOf("motelet_coap_received_total")) === 1);
  assert.equal(client.received.length, 0);
  state.isPostponed = false;
  assert.equal((await client.ask(parts)).code, Code.content);
  assert.equal(await bed.metrics.valueOf("motelet_coap_duplicates_total"), 0);
});

test("what cannot be sealed is not sent, and is counted", async () => {
  const { protection, state } = fakeProtection();
  await using bed = await CoapTransportBed.start({ protection });
  const client = await bed.client();
  await greet(client, "lamp01.1");
  await new Promise((resolve) => setImmediate(resolve));
  state.canSeal = false;
  assert.equal(bed.channels[0]?.channel.send(Uint8Array.of(0x82, 7, 1)), false);
  assert.equal(await bed.dropped("unprotected"), 1);
  client.send({
    code: Code.post,
    options: [text(Option.oscore, "lamp01.1"), text(Option.uriPath, "m")],
    payload: hello,
  });
  await until("it is counted", async () => (await bed.dropped("unprotected")) === 2);
  assert.ok(client.received.slice(1).every(({ payload }) => payload.length === 0));
});
