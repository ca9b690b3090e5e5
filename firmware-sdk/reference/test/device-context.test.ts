import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { startFleetBroker } from "./fleet-broker.ts";

/**
 * Two devices in a process of their own, since the test runner has its own idea of what is uncaught; at a word of ours one of them
 * lets an error go in the way that `lose` says. Prints when both are online, who failed, and what is left.
 */
const script = (url: string, lose: string) => `
  import { connect } from "node:net";
  import { containDeviceErrors, Fleet, MqttLink } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url))};
  const error = () => { throw new Error("of lamp's") };
  const lose = { ${lose} };
  let armed = false;
  const devices = ["lamp", "door"].map((name, seed) => {
    const link = new MqttLink({ url: ${JSON.stringify(url)}, wireId: name, generation: 1, password: "x", compact: true });
    const send = link.send.bind(link);
    if (name === "lamp") {
      link.send = (message, kind) => (armed && kind === "beat" && lose.now?.(), send(message, kind));
      const start = link.start.bind(link);
      link.start = async (events) => {
        const poll = setInterval(() => { if (armed) { clearInterval(poll); lose.later?.(); } }, 10);
        await start(events);
      };
    }
    return { name, seed, link };
  });
  const fleet = new Fleet(devices);
  containDeviceErrors((device, { message }) => console.log("failed", device.name, message));
  await fleet.start();
  const until = async (holds) => { while (!holds()) await new Promise((done) => setTimeout(done, 5)); };
  await until(() => fleet.online === 2);
  armed = true;
  await until(() => fleet.summary().failed === 1);
  await until(() => fleet.devices[0].state === "stopped");
  // If it took the other one with it, that would be gone by now.
  await new Promise((done) => setTimeout(done, 50));
  const { online, failed } = fleet.summary();
  console.log("left", online, failed, fleet.devices.map(({ state }) => state).join());
  await fleet.stop();
  process.exit(0);
`;

const ways = {
  "in a timer": "later: () => setTimeout(error, 1)",
  "in the next turn": "later: () => setImmediate(error)",
  "in a promise that nobody awaits": "later: () => void Promise.reject(new Error('of lamp\\'s'))",
  "in a socket's event": "later: () => connect(1).once('error', error)",
  "as an error event without a listener": "later: () => connect(1).emit('error', new Error('of lamp\\'s'))",
  "in the middle of sending": "now: error",
};

suite("an error that a device of a fleet lets go", () => {
  for (const [way, lose] of Object.entries(ways))
    test(`${way} ends that device and no other`, { timeout: 60_000 }, async () => {
      await using broker = await startFleetBroker({ heartbeatS: 1 });
      const { code, stdout, stderr } = await run(script(broker.url, lose));
      assert.equal(stdout, "failed lamp of lamp's\nleft 1 1 stopped,online\n", stderr);
      assert.equal(code, 0);
    });

  test("and one that is no device's ends the process, as before", { timeout: 60_000 }, async () => {
    const { code, stderr } = await run(`
      import { containDeviceErrors } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url))};
      containDeviceErrors(() => {});
      setTimeout(() => { throw new Error("nobody's") });
      setTimeout(() => process.exit(0), 5_000);
    `);
    assert.notEqual(code, 0);
    assert.match(stderr, /nobody's/);
  });
});

async function run(source: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(
    process.execPath,
    [
      "--conditions=motelet-source",
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "--eval",
      source,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const [[code], stdout, stderr] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr };
}
