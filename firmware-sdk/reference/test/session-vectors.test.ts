import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { decodeMessage } from "@motelet/profiles";
import type { SessionScript } from "../../../profiles/scripts/session-script.ts";
import { FileStore, LogRing, Session } from "../src/index.ts";

const file = new URL("../../../profiles/vectors/session-device.json", import.meta.url);
const { scripts } = JSON.parse(readFileSync(file, "utf8")) as { scripts: readonly SessionScript[] };

suite("scripted sessions", () => {
  for (const script of scripts) {
    if (script.machine === "device") test(`${script.name} (${script.spec})`, () => play(script));
  }
});

function play({ device, steps }: SessionScript): void {
  const sent: string[] = [];
  const effects: string[] = [];
  const ring = device.ring && new LogRing({ capacityBytes: device.logRingBytes, ...device.ring });
  const files = device.fileBytes && new FileStore({ totalBytes: device.fileBytes, files: 8 });
  const { ring: _positions, logRingBytes: _bytes, fileBytes: _room, ...limits } = device;
  const session = new Session(
    { ...limits, startedMs: 0, parts: { ...(ring ? { ring } : {}), ...(files ? { files } : {}) } },
    {
      send(message) {
        sent.push(Buffer.from(message).toString("hex"));
        return true;
      },
      reboot: () => void effects.push("reboot"),
    },
  );
  for (const step of steps) {
    for (let polls = 0; session.deadlineMs < step.at; polls++) {
      assert.ok(polls < 100, `the deadline stands still before ${step.at}`);
      const dueMs = session.deadlineMs;
      session.poll(dueMs);
      assert.deepEqual(sent.map(readable), [], `sent at ${dueMs}, before the step at ${step.at}`);
    }
    if (step.open) session.open(step.at);
    if (step.close) session.close();
    if (step.receive) session.receive(Buffer.from(step.receive, "hex"), step.at);
    if (step.log !== undefined) session.log(step.log, step.at);
    session.poll(step.at);
    const where = `the step at ${step.at}`;
    assert.deepEqual(sent.map(readable), step.send.map(readable), where);
    assert.deepEqual(sent.splice(0), step.send, where);
    assert.deepEqual(effects.splice(0), step.effects ?? [], where);
  }
}

const readable = (hex: string) => decodeMessage(Buffer.from(hex, "hex")).message;
