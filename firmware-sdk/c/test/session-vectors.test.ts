import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScriptStep, SessionScript } from "../../../profiles/scripts/session-script.ts";
import { Driver } from "./driver.ts";
import { readVectors } from "./vectors.ts";

const { scripts } = readVectors<{ scripts: readonly SessionScript[] }>("session-device.json");

function requestOf(step: ScriptStep): string {
  if (step.open) return `open ${step.at}`;
  if (step.close) return `close ${step.at}`;
  if (step.receive !== undefined) return `receive ${step.at} ${step.receive}`;
  if (step.log !== undefined) return `log ${step.at} ${Buffer.from(step.log).toString("hex")}`;
  return `tick ${step.at}`;
}

/** What was sent and done, and how long the driver wants to wait. */
async function play(
  driver: Driver,
  request: string,
): Promise<{ send: string[]; effects: string[]; wait: number }> {
  const lines = await driver.askBlock(request, "wait");
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length + 1));
  return { send: of("send"), effects: of("effect"), wait: Number(of("wait")[0]) };
}

for (const script of scripts) {
  test(`${script.spec}: ${script.name}`, async () => {
    const { device } = script;
    await using driver = await Driver.start(device.maxMessageBytes);
    assert.deepEqual(
      (await driver.ask("limits")).split(" ").map(Number),
      [
        device.maxMessageBytes,
        device.rxWindowBytes,
        device.streamBufferBytes,
        device.streams,
        device.logRingBytes,
      ],
      "the driver is built for another device",
    );
    if (device.fileBytes !== undefined) await driver.ask(`files ${device.fileBytes}`);
    const ring = device.ring ?? { epoch: 0, nextSeq: 0, oldestSeq: 0 };
    await driver.ask(
      `session ${device.boot} ${device.caps} ${device.rtoMs} ${ring.epoch} ${ring.nextSeq} ${ring.oldestSeq}`,
    );
    let now = 0;
    let wait = Number.POSITIVE_INFINITY;
    for (const [index, step] of script.steps.entries()) {
      // Deadlines before this step must pass in silence.
      while (now + wait < step.at) {
        now += Math.max(wait, 1);
        const early = await play(driver, `tick ${now}`);
        assert.deepEqual(early.send, [], `step ${index}: something came at ${now} ms already`);
        wait = early.wait;
      }
      now = step.at;
      const got = await play(driver, requestOf(step));
      assert.deepEqual(got.send, step.send, `step ${index} at ${step.at} ms: ${requestOf(step)}`);
      assert.deepEqual(got.effects, step.effects ?? [], `effects of step ${index}`);
      wait = got.wait;
    }
  });
}
