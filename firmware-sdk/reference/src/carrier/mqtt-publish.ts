/** First byte of a PUBLISH with QoS 0 that is neither retained nor a duplicate (MQTT 3.1.1 §3.3.1). */
const plainPublish = 0x30;

/**
 * The payload of a PUBLISH with QoS 0; undefined: another packet, or an incomplete one. The topic is skipped, because
 * there is only one.
 */
export function payloadOf(packet: Buffer): Uint8Array | undefined {
  if (packet[0] !== plainPublish) return undefined;
  let at = 1;
  while ((packet[at] ?? 0) >= 0x80) at++;
  const topicAt = at + 1;
  if (topicAt + 2 > packet.length) return undefined;
  const payloadAt = topicAt + 2 + packet.readUInt16BE(topicAt);
  return payloadAt <= packet.length ? packet.subarray(payloadAt) : undefined;
}

/** A topic with its length in front (MQTT 3.1.1 §1.5.3). */
export function topicField(topic: string): Buffer {
  const bytes = Buffer.from(topic);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A PUBLISH with QoS 0, in one buffer: the most frequent packet of a device. */
export function publishPacket(topic: Buffer, payload: Uint8Array): Buffer {
  let remaining = topic.length + payload.length;
  const lengthBytes = remaining < 0x80 ? 1 : remaining < 0x4000 ? 2 : 3;
  const packet = Buffer.allocUnsafe(1 + lengthBytes + remaining);
  packet[0] = plainPublish;
  for (let index = 1; index <= lengthBytes; index++) {
    packet[index] = (remaining & 0x7f) | (index < lengthBytes ? 0x80 : 0);
    remaining >>= 7;
  }
  packet.set(topic, 1 + lengthBytes);
  packet.set(payload, 1 + lengthBytes + topic.length);
  return packet;
}
