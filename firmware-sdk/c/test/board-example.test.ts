import assert from "node:assert/strict";
import { before, test } from "node:test";
import { commands } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import { sdkVersion } from "./boot-line.ts";
import { buildFolder, make } from "./driver.ts";
import { startGuest } from "./guest.ts";

before(() => make("board"));

const startBoard = () => startGuest("-M", "lm3s6965evb", "-kernel", `${buildFolder}board.elf`);

test("the board of the porting guide boots, runs commands, and keeps its log over a reboot and a watchdog reset", async () => {
  await using guest = await startBoard();
  await using gateway = await LineGateway.connect(guest.path);
  const about = `${await sdkVersion()}, board lm3s6965evb, reset:`;
  const lines = () => gateway.lines;
  await until("the line of its boot", () => lines().some((line) => line.includes(`${about} power on`)));
  assert.deepEqual((await gateway.exec(["echo", "hello"])).stdout.toString(), "hello\n");

  const boot = gateway.hellos[0]?.boot ?? 0;
  await gateway.request(commands.reboot.op);
  await until("the next boot", () => lines().some((line) => line.includes(`${about} software`)));
  assert.equal(gateway.hellos.at(-1)?.boot, boot + 1);

  await gateway.exec(["log", "before", "it", "hangs"]);
  await gateway.open(commands.exec.op, (stream) => [stream, 0, 0, ["hang"]]).catch(() => undefined);
  await until("the watchdog's reset", () => lines().some((line) => line.includes(`${about} watchdog`)));
  assert.equal(gateway.hellos.at(-1)?.boot, boot + 2);
  assert.ok(lines().includes("before it hangs"));
});
