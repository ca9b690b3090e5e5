import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { MessageKind } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { OptionError } from "../errors.ts";
import { type FaultRates, FaultyLink, parseFaultRates } from "./faults.ts";
import type { DeviceLink, LinkEvents } from "./link.ts";

/** A link that keeps what it is given. It never fills up, opens or closes by itself. */
class KeepingLink implements DeviceLink {
  readonly carrier = "mqtt";
  readonly rtoMs = 100;
  readonly sent: string[] = [];
  readonly calls: string[] = [];
  events: LinkEvents | undefined;

  async start(events: LinkEvents): Promise<void> {
    this.events = events;
  }
  send(message: Uint8Array, _kind: MessageKind): boolean {
    this.sent.push(Buffer.from(message).toString("hex"));
    return true;
  }
  reset(): void {
    this.calls.push("reset");
  }
  hold(held: boolean): void {
    this.calls.push(held ? "hold" : "release");
  }
  async stop(): Promise<void> {
    this.calls.push("stop");
  }
}

async function faulty(rates: FaultRates, seed = 1) {
  const inner = new KeepingLink();
  const link = new FaultyLink(inner, rates, seed);
  const received: string[] = [];
  await link.start({
    opened: () => received.push("opened"),
    closed: (reason) => received.push(reason),
    message: (bytes) => received.push(Buffer.from(bytes).toString("hex")),
    console: () => {},
    heard: () => received.push("heard"),
  });
  return { inner, link, received };
}

const message = (value: number) => Uint8Array.of(value, value);

suite("a faulty link", () => {
  test("does nothing at rates of 0 and everything at rates of 1", async () => {
    const none = await faulty({ drop: 0, delay: 0, duplicate: 0, corrupt: 0, freeze: 0, reset: 0 });
    none.link.send(message(1), "beat");
    none.inner.events?.message(message(2));
    assert.deepEqual([none.inner.sent, none.received], [["0101"], ["0202"]]);
    const all = await faulty({ drop: 1 });
    assert.equal(all.link.send(message(1), "beat"), true);
    all.inner.events?.message(message(2));
    assert.deepEqual([all.inner.sent, all.received, all.link.counts.drop], [[], [], 2]);
  });

  test("spoils the same messages with the same seed, others with another", async () => {
    const run = async (seed: number) => {
      const { inner, link } = await faulty({ drop: 0.3, duplicate: 0.3, corrupt: 0.3 }, seed);
      for (let value = 0; value < 200; value++) link.send(message(value), "data");
      return inner.sent.join();
    };
    assert.equal(await run(5), await run(5));
    assert.notEqual(await run(5), await run(6));
  });

  test("flips one bit of a copy", async () => {
    const { inner, link } = await faulty({ corrupt: 1 });
    const original = message(0);
    link.send(original, "data");
    assert.deepEqual(original, message(0));
    const flipped = Buffer.from(inner.sent[0] ?? "", "hex").readUInt16BE();
    assert.equal(flipped.toString(2).replaceAll("0", ""), "1");
  });

  test("delays up to its bound, lets messages overtake, and loses what comes beyond 64", async () => {
    const { inner, link } = await faulty({ delay: 1, delayMs: 30 });
    for (let value = 0; value < 64; value++) link.send(message(value), "data");
    assert.deepEqual([inner.sent.length, link.counts.drop], [0, 0]);
    link.send(message(64), "data");
    assert.equal(link.counts.drop, 1);
    await until("all came", () => inner.sent.length === 64);
    assert.notDeepEqual(inner.sent, inner.sent.toSorted());
  });

  test("resets the link after the message that it loses", async () => {
    const { inner, link } = await faulty({ reset: 1 });
    link.send(message(1), "beat");
    assert.deepEqual(inner.calls, []);
    await until("reset", () => inner.calls.includes("reset"));
    assert.deepEqual(inner.sent, []);
  });

  test("hears and says nothing while it is frozen, and holds the link", async () => {
    const { inner, link, received } = await faulty({ freeze: 1, freezeMs: 20 });
    assert.equal(link.send(message(1), "beat"), true);
    inner.events?.heard();
    inner.events?.message(message(2));
    link.send(message(3), "beat");
    assert.deepEqual([inner.sent, received, inner.calls], [[], [], ["hold"]]);
    await until("thawed", () => !link.frozen);
    inner.events?.heard();
    assert.deepEqual([inner.calls, received, link.counts.freeze], [["hold", "release"], ["heard"], 1]);
    await link.stop();
  });
});

suite("the text of fault rates", () => {
  test("names faults, chances and lengths", () => {
    assert.deepEqual(parseFaultRates("drop=0.2, delay=0.1/300,freeze=0.001/20,reset=1"), {
      drop: 0.2,
      delay: 0.1,
      delayMs: 300,
      freeze: 0.001,
      freezeMs: 20_000,
      reset: 1,
    });
  });

  for (const text of [
    "",
    "drop",
    "drip=0.1",
    "drop=1.01",
    "drop=-1",
    "drop=0.1/5",
    "delay=0.1/0",
    "drop=1.2.3",
  ]) {
    test(`refuses "${text}"`, () => assert.throws(() => parseFaultRates(text), OptionError));
  }
});
