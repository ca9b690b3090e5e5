import { once } from "node:events";
import { connect as openSocket, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as openTls } from "node:tls";

/** Bytes for a peer, and how they are given. */
export interface Approach {
  readonly port: number;
  /** TLS first; whose certificate it is does not matter to an attacker. */
  readonly tls?: boolean;
}

const untilClosedMs = 1_500;
const provokedMs = 60_000;

/** Opens a socket; with TLS it is returned after the handshake, or destroyed where that fails. */
export async function open({ port, tls }: Approach): Promise<Socket> {
  const socket = tls
    ? openTls({ host: "127.0.0.1", port, rejectUnauthorized: false })
    : openSocket(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = once(socket, "close");
  await Promise.race([once(socket, tls ? "secureConnect" : "connect"), closed]).catch(() => {});
  return socket;
}

/** Says something on `count` sockets at a time and waits until the peer has closed them, or for 1.5 s. @returns how many it closed */
export async function say(
  approach: Approach,
  count: number,
  bytes: (index: number) => Uint8Array,
): Promise<number> {
  const closed = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const socket = await open(approach);
      const end = socket.destroyed ? Promise.resolve() : once(socket, "close").catch(() => {});
      socket.resume();
      socket.write(bytes(index));
      const timer = new AbortController();
      const patience = delay(untilClosedMs, "patient" as const, { signal: timer.signal }).catch(
        () => "patient" as const,
      );
      const outcome = await Promise.race([end, patience]);
      timer.abort();
      socket.destroy();
      return outcome === "patient" ? 0 : 1;
    }),
  );
  return closed.reduce((sum: number, one) => sum + one, 0);
}

/** Says something on a socket of its own and waits until the peer has closed it. @returns false where it did not within a minute */
export async function provoke(approach: Approach, bytes: Uint8Array): Promise<boolean> {
  const socket = await open(approach);
  const closed = new Promise<true>((resolve) => {
    if (socket.closed) resolve(true);
    else socket.once("close", () => resolve(true));
  });
  socket.resume().write(bytes);
  const timer = new AbortController();
  const late = delay(provokedMs, false, { signal: timer.signal }).catch(() => false);
  const shownOut = await Promise.race([closed, late]);
  timer.abort();
  socket.destroy();
  return shownOut;
}

/** Sends `bytes` one by one on `count` sockets for this time, or until the peer has closed all of them; then leaves. */
export async function drip(
  approach: Approach,
  count: number,
  bytes: Uint8Array,
  forMs: number,
): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(approach)));
  const endMs = performance.now() + forMs;
  for (let at = 0; performance.now() < endMs && sockets.some(({ destroyed }) => !destroyed); at++) {
    for (const socket of sockets)
      if (!socket.destroyed) socket.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    await delay(50);
  }
  for (const socket of sockets) socket.destroy();
}

/** Opens `count` sockets, sends nothing for this time, and leaves. */
export async function holdOpen(port: number, count: number, forMs: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open({ port })));
  await delay(forMs);
  for (const socket of sockets) socket.destroy();
}

/** MQTT's length in one to four bytes. */
function mqttLength(bytes: number): number[] {
  return bytes < 128 ? [bytes] : [(bytes % 128) | 128, ...mqttLength(Math.floor(bytes / 128))];
}

export function mqttPacket(firstByte: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([firstByte, ...mqttLength(body.length)]), body]);
}

export function mqttText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A CONNECT of a device's identity; `will` makes it leave a retained last will. */
export function mqttConnect(
  { wireId, generation, password }: { wireId: string; generation: number; password: string },
  options: {
    readonly clientId?: string;
    readonly will?: { readonly topic: string; readonly payload: string };
  } = {},
): Buffer {
  const { clientId = wireId, will } = options;
  const flags = 0xc2 | (will ? 0x24 : 0);
  const last = will ? [mqttText(will.topic), mqttText(will.payload)] : [];
  return mqttPacket(
    0x10,
    mqttText("MQTT"),
    [4, flags, 0, 0],
    mqttText(clientId),
    ...last,
    mqttText(`${wireId}.${generation}`),
    mqttText(password),
  );
}

/** @param flags of the fixed header: 1 retain, 2 QoS 1 */
export function mqttPublish(topic: string, payload: Uint8Array, flags = 0): Buffer {
  const id = flags & 6 ? [[0, 1]] : [];
  return mqttPacket(0x30 | flags, mqttText(topic), ...id, payload);
}

export function mqttSubscribe(filters: readonly string[]): Buffer {
  const wanted = filters.map((filter) => Buffer.concat([mqttText(filter), Buffer.of(0)]));
  return mqttPacket(0x82, [0, 1], Buffer.concat(wanted));
}
