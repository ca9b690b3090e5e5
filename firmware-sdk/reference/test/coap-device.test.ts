import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { decodeMessage, encodeMessage } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import { CoapLink, FaultyLink, ReferenceDevice, startCoapDevice } from "../src/index.ts";
import { CoapGateway } from "./coap-gateway.ts";
import { identity, testNetworkDevice } from "./network-device.ts";

testNetworkDevice({
  name: "CoAP",
  serve: (gateway, port) => CoapGateway.start(gateway, port),
  start: (port, options) => startCoapDevice({ url: `coap://127.0.0.1:${port}`, ...identity, ...options }),
  refusal: /4\.01/,
});

suite("a device's CoAP client", () => {
  const deviceOn = async (t: TestContext, port: number, rtoMs = 100) => {
    const link = new CoapLink({ url: `coap://127.0.0.1:${port}`, ...identity, rtoMs, random: () => 0 });
    const reasons: string[] = [];
    const device = new ReferenceDevice({
      link,
      seed: 1,
      onState: (state, reason) => void (state === "offline" && reasons.push(reason)),
    });
    await device.start();
    t.after(() => device.stop());
    return { device, link, reasons };
  };
  const storedOnline = (device: ReferenceDevice) =>
    until("online, and all stored", () => device.state === "online" && device.waitingReports === 0);

  test("greets by a confirmable FETCH with its credential, and shows the credential nowhere else", async (t) => {
    const gateway = new SimulatedGateway();
    await using server = await CoapGateway.start(gateway);
    const { device } = await deviceOn(t, server.port);
    await storedOnline(device);
    const [hello] = server.requests("0.05");
    assert.ok(hello?.confirmable);
    assert.deepEqual(
      hello.options.map(({ name, value }) => [name, value.toString("hex")]),
      [
        ["Observe", ""],
        ["Uri-Path", "6d"],
        ["Content-Format", "3c"],
        ["Uri-Query", Buffer.from("u=lamp.3").toString("hex")],
        ["Uri-Query", Buffer.from("p=secret").toString("hex")],
      ],
    );
    const posts = server.requests("0.02");
    assert.ok(posts.length > 0 && posts.every(({ queries }) => queries.length === 0));
  });

  test("counts its message ids up by one, has a token for each request, and beats are confirmable", async (t) => {
    const gateway = new SimulatedGateway({ heartbeatS: 1 });
    await using server = await CoapGateway.start(gateway);
    const { device } = await deviceOn(t, server.port);
    for (let line = 0; line < 30; line++) device.log(`line ${line}`);
    await until("two beats", () => gateway.received.filter(({ kind }) => kind === "beat").length >= 2);
    await storedOnline(device);
    const requests = server.received.filter(({ code }) => code !== "0.00");
    const first = requests[0]?.messageId ?? 0;
    assert.deepEqual(
      requests.map(({ messageId }) => messageId),
      requests.map((_, index) => (first + index) & 0xffff),
    );
    assert.equal(new Set(requests.map(({ token }) => token.toString("hex"))).size, requests.length);
    const isBeat = ({ payload }: { payload: Buffer }) =>
      decodeMessage(payload, 1_024).message.kind === "beat";
    for (const post of server.requests("0.02")) assert.ok(post.confirmable || !isBeat(post));
  });

  test("returns an Echo value in its next message, and not again", async (t) => {
    await using server = await CoapGateway.start(new SimulatedGateway());
    server.echo = Buffer.from("proof");
    const { device } = await deviceOn(t, server.port);
    await storedOnline(device);
    device.log("one more");
    await until("posts", () => server.requests("0.02").length >= 2 && device.waitingReports === 0);
    const echoes = server.requests("0.02").map(({ echo }) => echo?.toString());
    assert.deepEqual([echoes[0], ...new Set(echoes.slice(1))], ["proof", undefined]);
  });

  test("handles each notification once, in any order, unless 32 others came before it", async (t) => {
    const gateway = new SimulatedGateway();
    await using server = await CoapGateway.start(gateway);
    const { device, link } = await deviceOn(t, server.port);
    await storedOnline(device);
    const ack = encodeMessage({ kind: "ack", storedSeq: 0 });
    const handled = async (...sequences: number[]) => {
      const before = link.traffic.messagesIn;
      for (const sequence of sequences) server.notify(ack, sequence);
      // The acknowledgement of a confirmable one shows that those before it have arrived.
      const messageId = server.notify(ack, 1_000_000, { confirmable: true });
      await until("acknowledged", () =>
        server.received.some((packet) => packet.ack && packet.messageId === messageId),
      );
      return link.traffic.messagesIn - before;
    };
    assert.equal(await handled(999_999, 999_970, 999_999, 999_969), 4);
    assert.equal(await handled(999_999, 999_969), 0);
    assert.equal(await handled(999_968, 999_971), 1);
  });

  test("sends a beat five times, and begins again when none was acknowledged", async (t) => {
    const gateway = new SimulatedGateway({ heartbeatS: 1 });
    await using server = await CoapGateway.start(gateway);
    const { device, reasons } = await deviceOn(t, server.port, 30);
    await storedOnline(device);
    const before = server.received.length;
    server.refuse = ({ code }) => (code === "0.02" ? "silence" : undefined);
    await until("begun again", () => reasons.length > 1, 20_000);
    const repeated = new Map<number, number>();
    for (const { confirmable, code, messageId } of server.received.slice(before))
      if (confirmable && code === "0.02") repeated.set(messageId, (repeated.get(messageId) ?? 0) + 1);
    assert.equal([...repeated.values()][0], 5);
    assert.match(reasons.at(-1) ?? "", /never acknowledged/);
    server.refuse = undefined;
    await until("online again", () => device.state === "online", 20_000);
  });

  test("says hello again when the gateway does not know it any more, in the same session", async (t) => {
    const gateway = new SimulatedGateway();
    await using server = await CoapGateway.start(gateway);
    const { device, reasons } = await deviceOn(t, server.port);
    await storedOnline(device);
    server.refuse = ({ code }) => (code === "0.02" ? "4.01" : undefined);
    device.log("said to a gateway that has forgotten");
    await until("offline", () => reasons.some((reason) => /4\.01/.test(reason)));
    server.refuse = undefined;
    await until("stored", () => gateway.lines.includes("said to a gateway that has forgotten"));
    assert.equal(gateway.hellos.at(-1)?.sid, 1);
  });

  test("waits for Max-Age when its hello finds no room", async (t) => {
    await using server = await CoapGateway.start(new SimulatedGateway());
    server.refuse = () => "5.03";
    server.maxAgeS = 1;
    const { device } = await deviceOn(t, server.port);
    await until("two hellos", () => server.requests("0.05").length === 2);
    const [first, second] = server.requests("0.05");
    assert.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) > 990);
    server.refuse = undefined;
    await until("online", () => device.state === "online");
  });

  test("repeats a request once when it has to show first that it is fresh", async (t) => {
    await using server = await CoapGateway.start(new SimulatedGateway());
    server.refuse = ({ echo }) => (echo ? undefined : "4.01");
    server.refusalEcho = Buffer.from("fresh?");
    const { link } = await deviceOn(t, server.port);
    await until("two hellos", () => server.requests("0.05").length === 2);
    assert.equal(server.requests("0.05")[1]?.echo?.toString(), "fresh?");
    assert.equal(link.traffic.opens, 1);
  });

  test("ends its observation when it is stopped", async (t) => {
    const gateway = new SimulatedGateway();
    await using server = await CoapGateway.start(gateway);
    const { device } = await deviceOn(t, server.port);
    await storedOnline(device);
    await device.stop();
    await until("FETCH", () => server.requests("0.05").length === 2);
    const [hello, leave] = server.requests("0.05");
    assert.deepEqual(leave?.token, hello?.token);
    assert.deepEqual(
      leave?.options.map(({ name, value }) => [name, value.toString("hex")]),
      [
        ["Observe", "01"],
        ["Uri-Path", "6d"],
      ],
    );
    assert.equal(gateway.received.at(-1)?.kind, "bye");
  });

  test("that freezes says nothing, and goes on afterwards", async (t) => {
    const gateway = new SimulatedGateway({ heartbeatS: 1 });
    await using server = await CoapGateway.start(gateway);
    const link = new CoapLink({ url: `coap://127.0.0.1:${server.port}`, ...identity });
    const faulty = new FaultyLink(link, {}, 11);
    const device = new ReferenceDevice({ link: faulty, seed: 1 });
    await device.start();
    t.after(() => device.stop());
    await storedOnline(device);
    faulty.freeze(2_500);
    const before = server.received.length;
    await until("thawed", () => !faulty.frozen);
    assert.deepEqual([server.received.length, link.traffic.opens], [before, 1]);
    await until("heard again", () => server.received.length > before);
    faulty.reset();
    await until("opened again", () => link.traffic.opens === 2 && device.state === "online");
  });
});
