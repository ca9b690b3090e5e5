import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { Decoder } from "cbor-x";
import { blockOption, parseBlock } from "../../src/transport/coap/message/block.ts";
import type { CoapMessage } from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Option, optionUint, optionValue, uintOption } from "../../src/transport/coap/message/options.ts";
import { type CoapClient, CoapTransportBed, text } from "./transport-bed.ts";

const textOf = ({ payload }: CoapMessage) => Buffer.from(payload).toString();

/** Makes the client's address a verified one. */
async function verify(client: CoapClient): Promise<void> {
  const challenge = await client.get("time", [uintOption(Option.observe, 0)]);
  assert.equal(challenge.code, Code.unauthorized);
  const value = optionValue(challenge.options, Option.echo);
  assert.ok(value);
  assert.equal((await client.get("time", [{ number: Option.echo, value }])).code, Code.content);
}

test("/time and /info are available as text, JSON and CBOR, and in no other format", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await verify(client);
  const accept = (format: number) => [uintOption(Option.accept, format)];
  assert.match(textOf(await client.get("time")), /^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
  assert.match(textOf(await client.get("info", accept(0))), /^name: motelet\nstartedAt: .*Z\ndevices: 0\n$/);
  const json = JSON.parse(textOf(await client.get("info", accept(50))));
  const cbor = await client.get("info", accept(60));
  assert.equal(optionUint(cbor.options, Option.contentFormat), 60);
  assert.deepEqual(new Decoder({ mapsAsObjects: true }).decode(Buffer.from(cbor.payload)), json);
  assert.ok(Math.abs(JSON.parse(textOf(await client.get("time", accept(50)))).s - Date.now() / 1000) < 5);
  assert.equal((await client.get("info", accept(41))).code, Code.notAcceptable);
});

test("/.well-known/core lists the resources in link format, filtered by the query", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await verify(client);
  const core = async (...queries: string[]) =>
    textOf(
      await client.get(
        ".well-known/core",
        queries.map((query) => text(Option.uriQuery, query)),
      ),
    );
  const all = await core();
  assert.deepEqual(
    [...all.matchAll(/<([^>]+)>/g)].map(([, path]) => path),
    ["/m", "/time", "/info"],
  );
  assert.equal(await core("rt=motelet.time"), '</time>;rt="motelet.time";ct="0 50 60";obs');
  assert.match(await core("href=/i*"), /^<\/info>[^<]*$/);
  assert.match(await core("ct=60", "href=/m"), /^<\/m>[^<]*$/);
  assert.equal(await core("rt=x"), "");
  assert.equal(await core("(.*)+=x"), "", "a filter is no regular expression");
});

test("what a request may not ask is refused by the code of RFC 7252", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await verify(client);
  assert.equal((await client.get("nothing")).code, Code.notFound);
  const path = text(Option.uriPath, "info");
  assert.equal((await client.ask({ code: Code.post, options: [path] })).code, Code.methodNotAllowed);
  assert.equal((await client.ask({ code: 0x1f, options: [path] })).code, Code.methodNotAllowed);
  const unknown = { number: 2_049, value: new Uint8Array(0) };
  assert.equal((await client.get("info", [unknown])).code, Code.badOption);
  assert.equal((await client.get("info", [{ ...unknown, number: 2_050 }])).code, Code.content);
  const proxied = await client.get("info", [text(Option.proxyUri, "coap://example.com/")]);
  assert.equal(proxied.code, Code.proxyingNotSupported);
  assert.equal(
    (await client.ask({ options: [{ number: Option.ifNoneMatch, value: new Uint8Array(0) }, path] })).code,
    Code.badOption,
  );
  assert.equal(
    (await client.get("m", [blockOption(Option.block2, { number: 0, more: false, size: 64 })])).code,
    Code.methodNotAllowed,
  );
});

test("a client that is not verified gets blocks that are within three times its bytes, and the whole body by them", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  let body = "";
  const sizes: number[] = [];
  for (let number = 0, size = 0; ; number++) {
    const asked = number === 0 ? [] : [blockOption(Option.block2, { number, more: false, size })];
    const response = await client.get(".well-known/core", asked);
    const block = parseBlock(response.options, Option.block2);
    assert.ok(block && block !== "invalid" && block.number === number);
    size = block.size;
    sizes.push(response.payload.length);
    body += textOf(response);
    if (!block.more) break;
  }
  assert.ok(sizes.length > 2 && sizes.every((bytes) => bytes <= 32), String(sizes));
  await verify(client);
  assert.equal(textOf(await client.get(".well-known/core")), body);
  assert.equal(await bed.dropped("amplification"), 0);
});

test("a block of size 7 and a block past the end are refused", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  await verify(client);
  assert.equal((await client.get("info", [uintOption(Option.block2, 7)])).code, Code.badOption);
  const block = (number: number) => [blockOption(Option.block2, { number, more: false, size: 16 })];
  assert.equal((await client.get("info", block(3))).code, Code.content);
  assert.equal((await client.get("info", block(4))).code, Code.badRequest);
});

test("/time is observed by as many clients as the limit; one more gets it once", async () => {
  await using bed = await CoapTransportBed.start({ limits: { timeObservers: 1, timePeriodMs: 20 } });
  const [one, two] = [await bed.client(), await bed.client()];
  for (const client of [one, two]) await verify(client);
  const observe = [uintOption(Option.observe, 0)];
  const first = await one.get("time", observe);
  assert.equal(optionUint(first.options, Option.observe), 0);
  const other = await two.get("time", observe);
  assert.equal(other.code, Code.content);
  assert.equal(optionUint(other.options, Option.observe), undefined);
  const notifications = () =>
    one.received.filter(({ options, type }) => type !== "ACK" && optionUint(options, Option.observe));
  await until("there is a notification", () => notifications().length > 0);
  assert.equal(Buffer.compare(notifications()[0]?.token ?? first.payload, first.token), 0);
  one.acknowledge(notifications()[0]?.messageId ?? 0, "RST");
  await until("the second client can observe", async () => {
    const again = await two.get("time", observe);
    return optionUint(again.options, Option.observe) !== undefined;
  });
});

test("without `insecure`, nothing is served", async () => {
  await using bed = await CoapTransportBed.start({ insecure: false });
  const client = await bed.client();
  for (const path of ["time", "info", ".well-known/core", "nothing"])
    assert.equal((await client.get(path)).code, Code.unauthorized, path);
  assert.equal((await client.greet("lamp01")).code, Code.unauthorized);
  assert.equal(await bed.refused("insecure"), 5);
  assert.equal(bed.channels.length, 0);
});

test("a message with an OSCORE option is refused by a listener without OSCORE", async () => {
  await using bed = await CoapTransportBed.start();
  const client = await bed.client();
  const oscore = { number: Option.oscore, value: Uint8Array.of(0) };
  assert.equal((await client.ask({ options: [oscore], payload: new Uint8Array(30) })).code, Code.badOption);
  assert.equal(await bed.refused("no-oscore"), 1);
});
