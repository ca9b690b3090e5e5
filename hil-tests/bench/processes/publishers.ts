/**
 * Devices d0, d1 … (password `x`) that say hello and then send beats as fast as they are taken. Prints a line when all are
 * connected; ends by itself.
 *
 *   node publishers.ts <port> <devices> <seconds>
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { downlinkTopic, encodeMessage, uplinkTopic, userName } from "@motelet/profiles";
import { generate } from "mqtt-packet";

const [port = 0, devices = 0, seconds = 0] = process.argv.slice(2).map(Number);
/** Beats in one write: what one read of the receiver finds. */
const beatsAtOnce = 16;
const beat = encodeMessage({
  kind: "beat",
  uptimeS: 691_200,
  heapFree64: 900,
  rssiDbm: -61,
  temperatureC: 21,
  cpuPercent: 12,
});
const hello = encodeMessage({
  kind: "hello",
  version: 1,
  boot: 1,
  attempt: 1,
  sid: 0,
  caps: 0,
  maxMessageBytes: 1024,
  rxWindowBytes: 1024,
  uptimeS: 1,
});

const publish = (wireId: string, message: Uint8Array) =>
  generate({
    cmd: "publish",
    topic: uplinkTopic(wireId),
    payload: Buffer.from(message),
    qos: 0,
    dup: false,
    retain: false,
  });

async function join(wireId: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const username = userName(wireId, 1);
  const login = { clientId: wireId, username, password: Buffer.from("x"), clean: true, keepalive: 0 };
  socket.write(generate({ cmd: "connect", protocolVersion: 4, ...login }));
  await once(socket, "data");
  const subscriptions = [{ topic: downlinkTopic(wireId), qos: 0 as const }];
  socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
  await once(socket, "data");
  socket.write(publish(wireId, hello));
  return socket;
}

/** A batch, a ping, and the next batch when the ping is answered: saturates the receiver without filling the kernel's buffers. */
function pour(socket: Socket, batch: Buffer, untilMs: number): void {
  socket.on("data", (answer: Buffer) => {
    // What else the receiver says, a welcome or a request, comes here as well.
    if (!answer.includes(pingResponse)) return;
    if (performance.now() > untilMs) socket.destroy();
    else socket.write(batch);
  });
  socket.write(batch);
}

const pingResponse = generate({ cmd: "pingresp" });

const sockets: { socket: Socket; batch: Buffer }[] = [];
for (let index = 0; index < devices; index++) {
  const wireId = `d${index}`;
  const beats = Array.from({ length: beatsAtOnce }, () => publish(wireId, beat));
  const batch = Buffer.concat([...beats, generate({ cmd: "pingreq" })]);
  sockets.push({ socket: await join(wireId), batch });
}
process.stdout.write("connected\n");
const untilMs = performance.now() + seconds * 1000;
for (const { socket, batch } of sockets) pour(socket, batch, untilMs);
