import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedGateway, until } from "@motelet/testing";
import { FaultyLink, Fleet, faultKinds, MqttLink, seededRandom } from "../src/index.ts";
import { startFleetBroker } from "./fleet-broker.ts";
import { LoopLink } from "./loop-link.ts";

test("a fleet joins within seconds, each device by its own name, and leaves with goodbyes", async () => {
  await using broker = await startFleetBroker();
  const { url, gateways } = broker;
  const fleet = new Fleet(
    Array.from({ length: 50 }, (_, index) => ({
      name: `mote${index}`,
      seed: index,
      link: new MqttLink({
        url,
        wireId: `mote${index}`,
        generation: 1,
        password: "x",
        compact: true,
        random: seededRandom(index),
      }),
    })),
  );
  await fleet.start();
  await until("all are online", () => fleet.online === 50, 10_000);
  await until("all said their boot", () => [...gateways.values()].every(({ lines }) => lines.length === 1));
  const boots = new Set(fleet.devices.map(({ boot }) => boot));
  assert.equal(boots.size, 50);
  const summary = fleet.summary();
  assert.deepEqual([summary.devices, summary.online, summary.reconnects], [50, 50, 0]);
  // hello, beat and the report of the boot at the least; welcome and ack
  assert.ok(summary.messagesOut >= 150 && summary.messagesIn >= 100, JSON.stringify(summary));
  assert.ok(summary.bytesOut > 20 * summary.messagesOut && summary.bytesIn > summary.messagesIn);
  await fleet.stop();
  await until("goodbyes", () =>
    [...gateways.values()].every(({ received }) => received.at(-1)?.kind === "bye"),
  );
});

test("a fleet with faults goes on, and its summary has those of all its devices", async () => {
  const rates = {
    drop: 0.1,
    delay: 0.1,
    delayMs: 5,
    duplicate: 0.1,
    corrupt: 0.1,
    freeze: 0.02,
    freezeMs: 20,
  };
  const links = Array.from({ length: 8 }, (_, seed) => {
    // A device beats often, so that there is something to spoil.
    const gateway = new SimulatedGateway({ heartbeatS: 1 });
    return new FaultyLink(new LoopLink(gateway), { ...rates, reset: 0.02 }, seed);
  });
  const fleet = new Fleet(links.map((link, seed) => ({ name: `mote${seed}`, seed, link })));
  await fleet.start();
  const missing = () => faultKinds.filter((kind) => fleet.summary().faults[kind] === 0);
  await until("each fault to have happened", () => missing().length === 0, 30_000);
  await until("all to be there in spite of them", () => fleet.online === links.length, 30_000);
  await fleet.stop();
  const { faults } = fleet.summary();
  for (const kind of faultKinds)
    assert.equal(
      faults[kind],
      links.reduce((sum, { counts }) => sum + counts[kind], 0),
      kind,
    );
});
