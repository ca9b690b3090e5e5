/**
 * A fleet of reference devices that starts, all at once, when stdin says `go`, and says what it has been through for each
 * further line.
 *
 *   node fleet.ts <broker url> <file with [{name, wireId, generation, password}]> <starts a second> [<CA of an mqtts: broker>]
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { containDeviceErrors, Fleet, MqttLink } from "@motelet/reference";

interface Identity {
  readonly name: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
}

const [, , url = "", file = "", startsPerSecond, caFile] = process.argv;
const tls = caFile === undefined ? {} : { tls: { ca: readFileSync(caFile) } };
const identities = JSON.parse(readFileSync(file, "utf8")) as Identity[];
const fleet = new Fleet(
  identities.map(({ name, ...identity }, seed) => ({
    name,
    seed,
    link: new MqttLink({ url, ...identity, ...tls, compact: true }),
  })),
  { startsPerSecond: Number(startsPerSecond) },
);
containDeviceErrors(({ name }, error) => console.error(`${name} failed:`, error));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdout.write("ready\n");
await lines.next();
await fleet.start();
for (let line = await lines.next(); !line.done; line = await lines.next())
  process.stdout.write(`${JSON.stringify({ question: line.value, ...fleet.summary() })}\n`);
await fleet.stop();
