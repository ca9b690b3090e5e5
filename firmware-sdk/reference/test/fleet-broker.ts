import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { downlinkTopic, parseTopic } from "@motelet/profiles";
import { SimulatedGateway } from "@motelet/testing";
import { Aedes } from "aedes";

/** A broker with a fake gateway behind it for each device that says something. Lets anybody in, under any name. */
export interface FleetBroker extends AsyncDisposable {
  readonly url: string;
  /** By wire id. */
  readonly gateways: ReadonlyMap<string, SimulatedGateway>;
}

/** @param options.heartbeatS what its welcomes say; default: the fake gateway's */
export async function startFleetBroker(options: { readonly heartbeatS?: number } = {}): Promise<FleetBroker> {
  const broker = await Aedes.createBroker({ concurrency: 0 });
  const gateways = new Map<string, SimulatedGateway>();
  const gatewayOf = (wireId: string) => {
    const known = gateways.get(wireId);
    if (known) return known;
    const topic = downlinkTopic(wireId);
    const made = new SimulatedGateway(options);
    made.attach((message) =>
      broker.publish(
        { cmd: "publish", qos: 0, dup: false, retain: false, topic, payload: Buffer.from(message) },
        () => {},
      ),
    );
    gateways.set(wireId, made);
    return made;
  };
  broker.on("publish", (packet, client) => {
    const topic = client && parseTopic(packet.topic);
    if (topic?.direction === "up") gatewayOf(topic.wireId).receive(packet.payload as Buffer);
  });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    gateways,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      broker.close();
    },
  };
}
