import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, EndpointTestBed, ok } from "../../../../test/coap/endpoint-bed.ts";
import { Code } from "./codes.ts";
import type { Observation, ObservationEnd } from "./observation.ts";
import { Option, optionUint } from "./options.ts";
import type { PeerAddress } from "./peer.ts";

/** An endpoint where each request begins an observation. */
function startBed(limits: ConstructorParameters<typeof EndpointTestBed>[1] = {}) {
  const observations: Observation[] = [];
  const ends: ObservationEnd[] = [];
  const bed: EndpointTestBed = new EndpointTestBed(({ token }, peer) => {
    const observation = bed.endpoint.observe(peer, token, {
      seal: (content) => content,
      onEnded: (why) => void ends.push(why),
    });
    if (observation) observations.push(observation);
    return observation?.first(ok) ?? { ...ok, code: Code.serviceUnavailable };
  }, limits);
  let messageId = 0;
  const register = (token: number, from: PeerAddress = alice) => {
    bed.receive({ messageId: ++messageId, token: Uint8Array.of(token), payload: new Uint8Array(500) }, from);
    return bed.take()[0];
  };
  return { bed, observations, ends, register };
}

test("notifications carry the token of the registration and ascending sequence numbers", () => {
  const { bed, observations, register } = startBed();
  const first = register(1);
  for (let count = 0; count < 3; count++) observations[0]?.notify(ok);
  const notifications = bed.take();
  const all = [first, ...notifications];
  assert.deepEqual(
    all.map((each) => optionUint(each?.options ?? [], Option.observe)),
    [0, 1, 2, 3],
  );
  assert.ok(all.every((each) => each?.token[0] === 1));
  assert.deepEqual(
    notifications.map(({ type }) => type),
    ["CON", "NON", "NON"],
  );
});

test("a reset of a confirmable and of a non-confirmable notification cancels the observation", () => {
  for (const index of [0, 1]) {
    const { bed, observations, ends, register } = startBed();
    register(1);
    observations[0]?.notify(ok);
    observations[0]?.notify(ok);
    const messageId = bed.take()[index]?.messageId ?? 0;
    bed.receive({ type: "RST", code: Code.empty, messageId });
    assert.deepEqual(ends, ["cancelled"]);
    assert.equal(observations[0]?.notify(ok), false);
    bed.clock.advance(200_000);
    assert.deepEqual(bed.take(), [], "nothing is retransmitted any more");
  }
});

test("a notification that is never acknowledged ends the observation after four retransmissions", async () => {
  const { bed, observations, ends, register } = startBed();
  register(1);
  observations[0]?.notify(ok);
  bed.clock.advance(61_999);
  assert.equal(bed.take().length, 5);
  assert.deepEqual(ends, []);
  bed.clock.advance(1);
  assert.deepEqual(ends, ["timed-out"]);
  assert.equal(await bed.metrics.valueOf("motelet_coap_timed_out_total"), 1);
  assert.equal(await bed.metrics.valueOf("motelet_coap_retransmitted_total"), 4);
});

test("a notification that is never acknowledged by a client that is heard is lost, and the observation goes on", async () => {
  const { bed, observations, ends, register } = startBed();
  register(1);
  observations[0]?.notify(ok);
  observations[0]?.notify(ok);
  bed.clock.advance(30_000);
  bed.receive({ messageId: 50, code: Code.empty });
  bed.clock.advance(40_000);
  assert.deepEqual(ends, []);
  assert.equal(await bed.metrics.valueOf("motelet_coap_timed_out_total"), 1);
  bed.take();
  assert.equal(observations[0]?.notify(ok), true);
  assert.deepEqual(
    bed.take().map(({ type }) => type),
    ["CON"],
  );
});

test("an acknowledgement opens the window for the notifications that wait, in their order", () => {
  const { bed, observations, register } = startBed();
  register(1);
  const sent = Array.from({ length: 17 }, () => observations[0]?.notify(ok));
  assert.deepEqual(sent, [...new Array(16).fill(true), false]);
  const [first, ...rest] = bed.take();
  assert.equal(rest.length, 7);
  bed.receive({ type: "ACK", code: Code.empty, messageId: first?.messageId ?? 0 });
  const more = bed.take().map(({ options }) => optionUint(options, Option.observe));
  assert.deepEqual(more, [9, 10, 11, 12, 13, 14, 15, 16]);
});

test("a registration with the token of another one of the same client replaces it", () => {
  const { observations, ends, register } = startBed();
  register(1);
  register(1);
  assert.deepEqual(ends, ["replaced"]);
  assert.deepEqual(
    observations.map(({ isOver }) => isOver),
    [true, false],
  );
});

test("a client has 4 observations, and a fifth is refused", () => {
  const { register } = startBed();
  for (const token of [1, 2, 3, 4]) assert.equal(register(token)?.code, Code.content);
  assert.equal(register(5)?.code, Code.serviceUnavailable);
  assert.equal(register(1, bob)?.code, Code.content, "another client has its own");
});

test("as many clients as the limit observe, and one more is refused until one of them ends", () => {
  const { observations, register } = startBed({ observers: 2 });
  const from = (port: number) => ({ address: "192.0.2.7", port });
  assert.equal(register(1, from(1))?.code, Code.content);
  assert.equal(register(1, from(2))?.code, Code.content);
  assert.equal(register(1, from(3))?.code, Code.serviceUnavailable);
  observations[0]?.end("ended");
  assert.equal(register(1, from(3))?.code, Code.content);
});

test("a flood of strangers does not displace an observer", () => {
  const { bed, observations, ends, register } = startBed({ strangers: 2, observers: 1 });
  register(1);
  for (let port = 1; port <= 50; port++) bed.receive({ messageId: port }, { address: "198.51.100.1", port });
  bed.take();
  assert.deepEqual(ends, []);
  assert.equal(observations[0]?.notify(ok), true);
  assert.deepEqual(bed.sent[0]?.to, alice);
});

test("an observation moves with its client, and continues its sequence there", () => {
  const { bed, observations, ends, register } = startBed();
  register(1);
  const [observation] = observations;
  observation?.notify(ok);
  bed.take();
  bed.receive({ messageId: 99, token: Uint8Array.of(9), payload: new Uint8Array(500) }, bob);
  const peer = bed.handled.at(-1)?.peer;
  bed.take();
  assert.ok(observation && peer && bed.endpoint.move(observation, peer));
  observation.notify(ok);
  assert.deepEqual(
    bed.sent.map(({ to, message }) => [to, optionUint(message.options, Option.observe)]),
    [[bob, 2]],
  );
  assert.deepEqual(ends, []);
});

test("the end of an observation can tell the client so by an error", () => {
  const { bed, observations, register } = startBed();
  register(1);
  observations[0]?.end("ended", { ...ok, code: Code.serviceUnavailable });
  const [last] = bed.take();
  assert.deepEqual([last?.code, last?.token[0]], [Code.serviceUnavailable, 1]);
});
