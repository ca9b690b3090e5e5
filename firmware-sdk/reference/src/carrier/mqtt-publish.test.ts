import assert from "node:assert/strict";
import { test } from "node:test";
import { generate } from "mqtt-packet";
import { payloadOf, publishPacket, topicField } from "./mqtt-publish.ts";

const topic = "m/lamp/u";
const field = topicField(topic);

test("a PUBLISH made by hand is the one that mqtt-packet makes, at each length of its length", () => {
  // Remaining lengths of one, two and three bytes (MQTT 3.1.1 §2.2.3) change at 128 and 16,384.
  const lengths = [0, 1, 127, 128, 1_024, 16_383, 16_384].map((length) => Math.max(0, length - field.length));
  for (const length of lengths) {
    const payload = Buffer.alloc(length, 7);
    const made = publishPacket(field, payload);
    assert.deepEqual(
      made,
      generate({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false }),
      `${length} bytes`,
    );
    assert.deepEqual(Buffer.from(payloadOf(made) ?? []), payload);
  }
});

test("another packet, or a PUBLISH that is cut within its head, has no payload", () => {
  assert.equal(payloadOf(generate({ cmd: "pingresp" })), undefined);
  const [payload, qos] = [Buffer.from("x"), 1 as const];
  assert.equal(
    payloadOf(generate({ cmd: "publish", topic, payload, qos, messageId: 1, dup: false, retain: false })),
    undefined,
  );
  const whole = publishPacket(field, payload);
  for (let length = 0; length < whole.length - payload.length; length++)
    assert.equal(payloadOf(whole.subarray(0, length)), undefined, `${length} bytes`);
});
