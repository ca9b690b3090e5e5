import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { promisify } from "node:util";
import { until } from "@motelet/testing";
import { Decoder } from "cbor-x";
import { Agent, type CoapRequestParams, type IncomingMessage, type ObserveReadStream, request } from "coap";
import type { CoapMethod } from "coap-packet";
import { CoapTransportBed, hello } from "./transport-bed.ts";

/* The resources for people, as node-coap and libcoap's coap-client see them. Neither shares code with the gateway but the codec of node-coap. */

const run = promisify(execFile);

/** libcoap's client without DTLS; Debian's libcoap3-bin. */
const coapClient = "coap-client-notls";
const hasLibcoap = await run(coapClient, ["-V"]).then(
  () => true,
  (error: { code?: string }) => error.code !== "ENOENT",
);
const skip = hasLibcoap ? false : `${coapClient} is not installed (Debian: libcoap3-bin)`;

async function ask(
  port: number,
  pathname: string,
  options: CoapRequestParams = {},
): Promise<IncomingMessage> {
  const outgoing = request({ host: "127.0.0.1", port, pathname, ...options });
  const response = once(outgoing, "response", { signal: AbortSignal.timeout(5_000) });
  outgoing.end();
  const [incoming] = await response;
  return incoming as IncomingMessage;
}

async function libcoap(port: number, path: string, ...flags: string[]): Promise<string> {
  const { stdout } = await run(coapClient, ["-B", "10", ...flags, `coap://127.0.0.1:${port}/${path}`], {
    timeout: 20_000,
  });
  return stdout;
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/;

test("node-coap gets the resources in every format, in blocks because its address is not verified", async () => {
  await using bed = await CoapTransportBed.start();
  const clock = await ask(bed.port, "/time");
  assert.equal(clock.code, "2.05");
  assert.match(clock.payload.toString(), time);
  const json = JSON.parse((await ask(bed.port, "/info", { accept: "application/json" })).payload.toString());
  const cbor = await ask(bed.port, "/info", { accept: "application/cbor" });
  assert.deepEqual(new Decoder({ mapsAsObjects: true }).decode(cbor.payload), json);
  assert.equal(json.name, "motelet");
  const core = await ask(bed.port, "/.well-known/core");
  assert.equal(core.headers["Content-Format"], "application/link-format");
  assert.match(core.payload.toString(), /^<\/m>.*<\/info>;rt="motelet.info";ct="0 50 60"$/);
  assert.equal((await ask(bed.port, "/nothing")).code, "4.04");
});

test("node-coap observes the time after it has returned an Echo value", async () => {
  await using bed = await CoapTransportBed.start({ limits: { timePeriodMs: 50 } });
  // One agent, so that both requests come from one port.
  const agent = new Agent();
  const challenge = await ask(bed.port, "/time", { observe: true, agent });
  assert.equal(challenge.code, "4.01");
  // node-coap has no name for the option, and its types have no list of options.
  const { options } = challenge as unknown as { options: { name: string | number; value: Buffer }[] };
  const echo = options.find(({ name }) => String(name) === "252")?.value ?? Buffer.alloc(0);
  const outgoing = request({ host: "127.0.0.1", port: bed.port, pathname: "/time", observe: true, agent });
  assert.equal(echo.length, 12);
  outgoing.setOption("252", echo);
  const response = once(outgoing, "response", { signal: AbortSignal.timeout(5_000) });
  outgoing.end();
  const [stream] = (await response) as [ObserveReadStream];
  const seen: string[] = [];
  stream.on("data", (chunk: Buffer) => seen.push(chunk.toString()));
  while (seen.length < 3) await once(stream, "data", { signal: AbortSignal.timeout(5_000) });
  stream.close();
  agent.close();
  assert.ok(
    seen.every((each) => time.test(each)),
    seen.join(),
  );
  assert.equal(new Set(seen).size, seen.length);
});

test("node-coap greets with an observing FETCH, gets the welcome and the downlink, and its POSTs are handled", async () => {
  await using bed = await CoapTransportBed.start();
  const agent = new Agent();
  const start = (method: CoapMethod, payload: Uint8Array, more: CoapRequestParams = {}) => {
    const outgoing = request({ host: "127.0.0.1", port: bed.port, pathname: "/m", method, agent, ...more });
    const response = once(outgoing, "response", { signal: AbortSignal.timeout(5_000) });
    outgoing.end(Buffer.from(payload));
    return response;
  };
  const query = "u=lamp01.1&p=secret-lamp01";
  const [stream] = (await start("FETCH", hello, {
    observe: true,
    query,
    contentFormat: "application/cbor",
  })) as [ObserveReadStream];
  const downlink: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => downlink.push(chunk));
  await until("the welcome has come", () => downlink.length === 1);
  for (const value of [1, 2, 3]) bed.channels[0]?.channel.send(Uint8Array.of(0x82, 7, value));
  await until("the downlink has come", () => downlink.length === 4);
  assert.deepEqual(
    downlink.map((each) => each[each.length - 1]),
    [bed.welcome?.at(-1), 1, 2, 3],
  );
  for (let count = 0; count < 3; count++) {
    const [response] = (await start("POST", Uint8Array.of(0x82, 5, count))) as [IncomingMessage];
    assert.equal(response.code, "2.04");
  }
  assert.deepEqual(bed.channels[0]?.messages.map((each) => each[2]).slice(1), [0, 1, 2]);
  assert.equal(await bed.dropped("stale"), 0);
  // The agent closes itself with its last request.
  stream.close();
});

test("coap-client gets the resources, plain, in blocks of its own size, and non-confirmable", {
  skip,
}, async () => {
  await using bed = await CoapTransportBed.start();
  assert.match(await libcoap(bed.port, "time"), time);
  const info = await libcoap(bed.port, "info");
  assert.match(info, /^name: motelet\n/);
  assert.equal(await libcoap(bed.port, "info", "-b", "16"), info);
  assert.equal(await libcoap(bed.port, "info", "-N"), info);
  assert.match(await libcoap(bed.port, "info", "-A", "50"), /^\{"name":"motelet"/);
  assert.match(await libcoap(bed.port, ".well-known/core"), /^<\/m>.*<\/info>/);
});

test("coap-client observes the time: it returns the Echo value by itself", { skip }, async () => {
  await using bed = await CoapTransportBed.start({ limits: { timePeriodMs: 200 } });
  const lines = (await libcoap(bed.port, "time", "-s", "1", "-B", "2"))
    .split("\n")
    .filter((line) => line !== "");
  assert.ok(lines.length >= 3, lines.join());
  assert.equal(new Set(lines).size, lines.length);
});
