import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Option, optionUint, optionValue, uintOption } from "../../src/transport/coap/message/options.ts";
import { CoapTransportBed, hello, helloOf, helloOptions, text } from "./transport-bed.ts";

const message = Uint8Array.of(0x82, 5, 1);

test("a hello opens the channel of its wire id: the welcome is its response, the downlink are notifications", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const welcome = await client.greet("lamp01");
  assert.equal(welcome.code, Code.content);
  assert.equal(welcome.type, "ACK");
  assert.deepEqual(welcome.payload, bed.welcome);
  assert.equal(optionUint(welcome.options, Option.observe), 0);
  const [opened] = bed.channels;
  assert.ok(opened);
  assert.deepEqual(opened.channel.identity, { kind: "wire-id", wireId: "lamp01", generation: 1 });
  assert.match(opened.channel.peer, /^127\.0\.0\.1:\d+$/);
  assert.equal(opened.channel.peerAddress, "127.0.0.1");
  assert.deepEqual(opened.messages, [hello]);
  assert.equal(opened.channel.send(message), true);
  await until("the notification comes", () => client.received.length === 2);
  assert.deepEqual(client.received[1]?.token, welcome.token);
  assert.deepEqual(client.received[1]?.payload, message);
});

test("a POST brings a message; its response carries what the gateway says at once", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await client.greet("lamp01");
  const [opened] = bed.channels;
  const empty = await client.post(message);
  assert.deepEqual([empty.code, empty.payload.length], [Code.changed, 0]);
  assert.deepEqual(opened?.messages, [hello, message]);
  opened.messages.push = (...messages) => {
    opened.channel.send(Uint8Array.of(0x82, 7, 1));
    opened.channel.send(Uint8Array.of(0x82, 7, 2));
    return messages.length;
  };
  const full = await client.post(message, "NON");
  assert.deepEqual(full.payload, Uint8Array.of(0x82, 7, 1));
  await until("the second message is a notification", () =>
    client.received.some(({ payload }) => payload[2] === 2 && payload[1] === 7),
  );
});

test("a POST from an address without a channel, or without a message, is refused", async () => {
  await using bed = await CoapTransportBed.start();
  const [known, unknown] = [await bed.client(), await bed.client()];
  await known.greet("lamp01");
  assert.equal((await unknown.post(message)).code, Code.unauthorized);
  assert.equal(await bed.refused("no-channel"), 1);
  assert.equal((await known.post(new Uint8Array(0))).code, Code.badRequest);
  const json = [text(Option.uriPath, "m"), uintOption(Option.contentFormat, 50)];
  assert.equal(
    (await known.ask({ code: Code.post, options: json, payload: message })).code,
    Code.unsupportedContentFormat,
  );
  assert.equal(bed.channels[0]?.messages.length, 1);
});

test("a hello whose credential is not right is refused, and named to the core", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const code = async (...hello: Parameters<typeof client.greet>) => (await client.greet(...hello)).code;
  assert.equal(await code("lamp01", { password: "wrong" }), Code.unauthorized);
  assert.equal(await code("lamp01", { user: "lamp01.2" }), Code.unauthorized);
  assert.equal(await code("nobody"), Code.unauthorized);
  assert.equal(await code("lamp01", { user: "LAMP.1" }), Code.unauthorized);
  bed.pause("lamp02");
  assert.equal(await code("lamp02"), Code.forbidden);
  assert.deepEqual(
    bed.turnedAway.map(({ reason, names }) => [reason, ...names]),
    [
      ["wrong-password", "lamp01.1"],
      ["wrong-generation", "lamp01.2"],
      ["unknown-id", "nobody.1"],
      ["paused", "lamp02.1"],
    ],
  );
  assert.equal(await bed.refused("credential"), 1);
  assert.equal(bed.logLines("wrong-password").length, 1);
  assert.ok(!JSON.stringify(bed.logLines("wrong-password")).includes('wrong"'));
  assert.equal(bed.channels.length, 0);
});

test("a FETCH that is no hello, or does not observe, is refused", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const options = helloOptions("lamp01");
  const plain = options.filter(({ number }) => number !== Option.observe);
  assert.equal(
    (await client.ask({ code: Code.fetch, options: plain, payload: hello })).code,
    Code.badRequest,
  );
  assert.equal((await client.ask({ code: Code.fetch, options, payload: message })).code, Code.badRequest);
  assert.equal((await client.ask({ code: Code.fetch, options })).code, Code.badRequest);
  assert.equal(await bed.refused("not-hello"), 3);
  assert.equal(bed.channels.length, 0);
});

test("a repeated hello has a new token, and takes the downlink over on the same channel", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await client.greet("lamp01");
  const second = await client.greet("lamp01");
  assert.equal(bed.channels.length, 1);
  assert.equal(bed.channels[0]?.messages.length, 2);
  bed.channels[0]?.channel.send(message);
  await until("the notification comes", () => client.received.some(({ payload }) => payload[1] === 5));
  assert.deepEqual(client.received.at(-1)?.token, second.token);
  assert.equal(bed.channels[0]?.closedFor, undefined);
});

test("a hello from another address moves the device there, and closes the channel of the old one", async () => {
  await using bed = await CoapTransportBed.start();
  const [before, after] = [await bed.client(), await bed.client()];
  await before.greet("lamp01");
  await after.greet("lamp01");
  await until("the old channel is closed", () => bed.channels[0]?.closedFor === "taken over");
  assert.equal(bed.channels.length, 2);
  assert.equal((await before.post(message)).code, Code.unauthorized);
  assert.equal((await after.post(message)).code, Code.changed);
  assert.equal(await bed.metrics.valueOf("motelet_coap_channels"), 1);
});

test("a hello that the core does not answer is answered by 5.03 after the deadline, and leaves no channel", async () => {
  await using bed = await CoapTransportBed.start({ limits: { helloDeadlineMs: 50 } });
  bed.welcome = undefined;
  const client = await bed.client();
  const response = await client.greet("lamp01");
  assert.equal(response.code, Code.serviceUnavailable);
  assert.equal(optionUint(response.options, Option.maxAge), 5);
  await until("the channel is closed", () => bed.channels[0]?.closedFor !== undefined);
  assert.equal(await bed.metrics.valueOf("motelet_coap_channels"), 0);
});

test("a welcome that is late comes in a separate response, after an empty acknowledgement", async () => {
  await using bed = await CoapTransportBed.start({ parameters: { separateAfterMs: 20 } });
  bed.welcome = undefined;
  const client = await bed.client();
  const request = client.send({ code: Code.fetch, options: helloOptions("lamp01"), payload: hello });
  await until("the request is acknowledged", () => client.received.length === 1);
  assert.deepEqual([client.received[0]?.type, client.received[0]?.code], ["ACK", Code.empty]);
  bed.channels[0]?.channel.send(Uint8Array.of(0x81, 1));
  await until("the response comes", () => client.received.length === 2);
  assert.deepEqual([client.received[1]?.type, client.received[1]?.code], ["CON", Code.content]);
  assert.deepEqual(client.received[1]?.token, request.token);
});

test("as many channels as the limit are open, and one more is refused until one of them ends", async () => {
  await using bed = await CoapTransportBed.start({ limits: { channels: 2 } });
  const clients = [await bed.client(), await bed.client(), await bed.client()];
  assert.equal((await clients[0]?.greet("lamp01"))?.code, Code.content);
  assert.equal((await clients[1]?.greet("lamp02"))?.code, Code.content);
  assert.equal((await clients[2]?.greet("lamp03"))?.code, Code.serviceUnavailable);
  assert.equal(await bed.refused("channel-limit"), 1);
  bed.channels[0]?.channel.close("test");
  assert.equal((await clients[2]?.greet("lamp03"))?.code, Code.content);
});

test("a channel is closed by a reset, by Observe 1, by the core, and when its identity is revoked", async () => {
  await using bed = await CoapTransportBed.start();
  const closed = (index: number) =>
    until("the channel is closed", () => bed.channels[index]?.closedFor !== undefined);
  const client = await bed.client();
  await client.greet("lamp01");
  bed.channels[0]?.channel.send(message);
  await until("the notification comes", () => client.received.some(({ payload }) => payload[1] === 5));
  client.acknowledge(client.received.at(-1)?.messageId ?? 0, "RST");
  await closed(0);
  assert.equal(bed.channels[0]?.closedFor, "observation cancelled");

  const { token } = await client.greet("lamp01");
  const cancel = [uintOption(Option.observe, 1), text(Option.uriPath, "m")];
  assert.equal((await client.ask({ code: Code.fetch, options: cancel, token })).code, Code.content);
  await closed(1);

  const third = await client.greet("lamp01");
  bed.channels[2]?.channel.close("no longer wanted");
  await closed(2);
  const isLast = ({ code, token: other }: { code: number; token: Uint8Array }) =>
    code === Code.serviceUnavailable && Buffer.from(other).equals(third.token);
  await until("the client is told", () => client.received.some(isLast));
  assert.equal(bed.channels[2]?.channel.send(message), false);

  await client.greet("lamp01");
  bed.pause("lamp01");
  await closed(3);
  assert.equal(bed.channels[3]?.closedFor, "revoked");
  assert.equal((await client.post(message)).code, Code.unauthorized);
});

test("a welcome asks an address that is not verified for an Echo value, and sends without limit when it has it", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const welcome = await client.greet("lamp01");
  const value = optionValue(welcome.options, Option.echo);
  assert.equal(value?.length, 12);
  const large = new Uint8Array(1_000);
  bed.channels[0]?.channel.send(large);
  await until("it is dropped", async () => (await bed.dropped("amplification")) === 1);
  const options = [text(Option.uriPath, "m"), { number: Option.echo, value: value as Uint8Array }];
  await client.ask({ code: Code.post, options, payload: message });
  bed.channels[0]?.channel.send(large);
  await until("it comes", () => client.received.some(({ payload }) => payload.length === 1_000));
  assert.equal(optionValue((await client.greet("lamp01")).options, Option.echo), undefined);
});

test("a channel drops what does not fit behind 16 unacknowledged messages", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await client.greet("lamp01");
  await new Promise((resolve) => setImmediate(resolve));
  const sent = Array.from({ length: 17 }, () => bed.channels[0]?.channel.send(message));
  assert.deepEqual(sent, [...new Array(16).fill(true), false]);
  assert.equal(await bed.dropped("queue-full"), 1);
});

test("IPv6 and IPv4 clients are served by one socket", async () => {
  await using bed = await CoapTransportBed.start({ host: "::" });
  const [four, six] = [await bed.client("127.0.0.1"), await bed.client("::1")];
  assert.equal((await four.greet("lamp01")).code, Code.content);
  assert.equal((await six.greet("lamp02")).code, Code.content);
  assert.deepEqual(
    bed.channels.map(({ channel }) => channel.peerAddress),
    ["127.0.0.1", "::1"],
  );
});

test("the end of the transport tells every device, and closes its channel once", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await client.greet("lamp01");
  await bed.stopTransport();
  assert.equal(bed.channels[0]?.closedFor, "gateway stops");
  await until("the client is told", () =>
    client.received.some(({ code }) => code === Code.serviceUnavailable),
  );
});

test("a late hello of an earlier attempt is answered by 4.09 and changes nothing; one of another boot begins again", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const welcome = await client.greet("lamp01", { attempt: 2 });
  assert.equal((await client.greet("lamp01", { attempt: 1 })).code, Code.conflict);
  assert.equal((await client.greet("lamp01", { attempt: 131 })).code, Code.conflict, "127 behind");
  assert.equal(bed.channels[0]?.messages.length, 1);
  bed.channels[0]?.channel.send(message);
  await until("the notification comes", () => client.received.at(-1)?.payload[1] === 5);
  assert.deepEqual(client.received.at(-1)?.token, welcome.token);
  assert.equal((await client.greet("lamp01", { attempt: 130 })).code, Code.content, "128 ahead");
  assert.equal((await client.greet("lamp01", { attempt: 1, boot: 2 })).code, Code.content);
  assert.equal(bed.channels.length, 1);
});

test("a POST that comes long after others is acknowledged and not handled; one within 31 messages is", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const { messageId } = await client.greet("lamp01");
  const post = (id: number) =>
    client.ask({ code: Code.post, options: [text(Option.uriPath, "m")], payload: message, messageId: id });
  const handled = () => (bed.channels[0]?.messages.length ?? 0) - 1;
  assert.equal((await post(messageId + 100)).code, Code.changed);
  assert.equal((await post(messageId + 69)).code, Code.changed);
  assert.equal(handled(), 2);
  assert.equal((await post(messageId + 68)).code, Code.changed);
  assert.equal(handled(), 2);
  assert.equal(await bed.dropped("stale"), 1);
  // Beyond the 8 requests whose replies are kept, a retransmission is recognised by its id.
  for (let id = 101; id <= 110; id++) await post(messageId + id);
  assert.equal((await post(messageId + 100)).code, Code.changed);
  assert.equal(handled(), 12);
  assert.equal((await post(messageId + 5_000)).code, Code.unauthorized);
  assert.equal(await bed.refused("message-id"), 1);
});

test("two hellos that wait are answered by one welcome, and the newer one has the downlink", async () => {
  await using bed = await CoapTransportBed.start();
  bed.welcome = undefined;
  const client = await bed.client();
  const answers = [client.greet("lamp01"), client.greet("lamp01")];
  await until("both have come", () => bed.channels[0]?.messages.length === 2);
  bed.channels[0]?.channel.send(Uint8Array.of(0x81, 1));
  const [first, second] = await Promise.all(answers);
  assert.deepEqual([first?.code, second?.code], [Code.content, Code.content]);
  assert.deepEqual(first?.payload, second?.payload);
  assert.equal(optionUint(first?.options ?? [], Option.observe), undefined);
  assert.equal(optionUint(second?.options ?? [], Option.observe), 0);
});

test("two devices with one identity end each other's channels as often as the limit, unless the other one is silent", async () => {
  const limits = { takeOverBurst: 2, takeOverRefillMs: 60_000, takeOverSilentMs: 300 };
  await using bed = await CoapTransportBed.start({ limits });
  const clients = [await bed.client(), await bed.client()];
  const codes: (number | undefined)[] = [];
  for (let turn = 0; turn < 4; turn++)
    codes.push((await clients[turn % 2]?.greet("lamp01", { boot: 1 + (turn % 2) }))?.code);
  assert.deepEqual(codes, [Code.content, Code.content, Code.content, Code.serviceUnavailable]);
  assert.equal(await bed.refused("take-over-limit"), 1);
  assert.deepEqual(
    bed.turnedAway.map(({ reason, names }) => [reason, ...names]),
    [["take-over-limit", "lamp01.1"]],
  );
  await new Promise((resolve) => setTimeout(resolve, 310));
  assert.equal((await clients[1]?.greet("lamp01", { boot: 2 }))?.code, Code.content);
});

test("8 messages wait behind a welcome, in their order; one more is dropped and counted", async () => {
  await using bed = await CoapTransportBed.start();
  bed.welcome = undefined;
  const client = await bed.client();
  const welcome = client.greet("lamp01");
  await until("the hello has come", () => bed.channels[0]?.messages.length === 1);
  const sent = Array.from({ length: 10 }, (_, index) =>
    bed.channels[0]?.channel.send(Uint8Array.of(0x82, 7, index)),
  );
  assert.deepEqual(sent, [...new Array(9).fill(true), false]);
  assert.equal(await bed.dropped("queue-full"), 1);
  assert.equal((await welcome).payload[2], 0);
  await until("all have come", () => client.received.length === 9);
  assert.deepEqual(
    client.received.map(({ payload }) => payload[2]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test("8 hellos wait for a welcome; the oldest is given up for a ninth", async () => {
  await using bed = await CoapTransportBed.start();
  bed.welcome = undefined;
  const client = await bed.client();
  const answers = Array.from({ length: 9 }, () => client.greet("lamp01"));
  await until("all have come", () => bed.channels[0]?.messages.length === 9);
  bed.channels[0]?.channel.send(Uint8Array.of(0x81, 1));
  const codes = (await Promise.all(answers)).map(({ code }) => code);
  assert.deepEqual(codes, [Code.serviceUnavailable, ...new Array(8).fill(Code.content)]);
});

test("a hello that is retransmitted after its reply was forgotten changes nothing", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const { messageId, token } = await client.greet("lamp01");
  for (let count = 0; count < 9; count++) await client.post(message);
  const again = { code: Code.fetch, options: helloOptions("lamp01"), payload: hello, messageId, token };
  assert.equal((await client.ask(again)).code, Code.conflict);
  assert.equal(bed.channels.length, 1);
  assert.equal(bed.channels[0]?.closedFor, undefined);
  assert.equal(bed.channels[0]?.messages.length, 10);
  bed.channels[0]?.channel.send(message);
  await until("the downlink works", () => client.received.at(-1)?.payload[1] === 5);
});

test("a hello of a later attempt with the token of an earlier one continues the channel", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const { token } = await client.greet("lamp01");
  const payload = helloOf(2);
  const again = { code: Code.fetch, options: helloOptions("lamp01"), payload, token };
  assert.equal((await client.ask(again)).code, Code.content);
  assert.equal(bed.channels.length, 1);
  assert.equal(bed.channels[0]?.closedFor, undefined);
  bed.channels[0]?.channel.send(message);
  await until("the downlink works", () => client.received.at(-1)?.payload[1] === 5);
});
