/**
 * aedes on a listener with nothing around it. Prints its port as JSON, and answers each line on stdin with how many messages were
 * published until then.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker({ concurrency: 0 });
let received = 0;
broker.on("publish", (_packet, client) => {
  if (client) received++;
});
const server = createServer((socket) => void broker.handle(socket));
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
// An ordinary end, so that --cpu-prof writes what it has.
process.on("SIGTERM", () => process.exit(0));
for await (const question of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify({ question, received })}\n`);
process.exit(0);
