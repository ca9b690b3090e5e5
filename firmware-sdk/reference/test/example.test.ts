import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import { greenhouse } from "../example/greenhouse.ts";
import { ReferenceDevice } from "../src/index.ts";
import { LoopLink } from "./loop-link.ts";

async function gatewayFor(t: TestContext): Promise<SimulatedGateway> {
  const gateway = new SimulatedGateway();
  const device = new ReferenceDevice({ link: new LoopLink(gateway), ...greenhouse() });
  t.after(() => device.stop());
  await device.start();
  await until("online", () => device.state === "online");
  return gateway;
}

suite("the example of a device with parts of its own", () => {
  test("is what the README shows", () => {
    const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
    const code = read("example/greenhouse.ts");
    const blocks = [...read("README.md").matchAll(/^```ts\n(.*?)^```$/gms)].map(
      ([, block]) => block as string,
    );
    assert.ok(blocks.length >= 3);
    for (const block of blocks) assert.ok(code.includes(block), block);
  });

  test("has its command beside the usual ones, and its peripheral", async (t) => {
    const gateway = await gatewayFor(t);
    const run = async (...argv: string[]) => {
      const { stdout, exitCode } = await gateway.exec(argv);
      return [stdout.toString(), exitCode];
    };
    assert.deepEqual(await run("water", "0"), ["watered for 0 s\n", 0]);
    assert.deepEqual((await run("water", "61"))[1], 2);
    assert.deepEqual(await run("echo", "hi"), ["hi\n", 0]);
    const help = (await run("help"))[0] as string;
    assert.match(help, /^help .*\necho .*\n(.*\n)*water SECONDS {4}waters the plants\n$/);
    assert.match((await run("df"))[0] as string, /^total 65536\n/);
    const { result } = await gateway.request(commands.peripheralList.op, [0]);
    assert.deepEqual(commands.peripheralList.decodeResult(result).entries, [
      { name: "pump0", kind: "relay" },
    ]);
    const dial = commands.dial.encodeRequest({ stream: 1, port: 23 });
    assert.equal((await gateway.request(commands.dial.op, dial)).status, Status.OK);
  });
});
