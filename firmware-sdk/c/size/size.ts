/**
 * Prints flash and RAM of the C SDK, taken from the link map of the ELF that boots, and the stack that it used on the
 * emulated board. Fails over budget, or where a forbidden function was linked.
 *
 *   node --conditions=motelet-source firmware-sdk/c/size/size.ts
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { buildFolder, make } from "../test/driver.ts";
import { Gateway } from "../test/gateway.ts";
import { startGuest } from "../test/guest.ts";
import { parseLinkMap } from "./link-map.ts";

const budget = { flash: 5 * 1024, ram: 1792 };
const forbidden = /^_?(malloc|calloc|realloc|free|sbrk|.*printf.*|strtol.*|__aeabi_[df].*)(_r)?$/;

/** All state of the core lies in these two objects of the application's. */
const callerOwned = ["device_session", "device_line"];

function nm(elf: string): { name: string; size: number }[] {
  return execFileSync("arm-none-eabi-nm", ["-S", elf], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.split(" "))
    .map((fields) => ({
      name: fields.at(-1) ?? "",
      size: fields.length === 4 ? Number.parseInt(fields[1] as string, 16) : 0,
    }));
}

function groupOf(object: string): string {
  if (object.includes("/src/commands/shell.o")) return "shell";
  if (object.includes("/src/commands/")) return "commands";
  if (object.includes("/src/")) return "core";
  if (object.includes("/port/")) return "port and application";
  return object === "*fill*" ? "padding" : "libc";
}

interface Row {
  flash: number;
  ram: number;
}

function sizesOf(name: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const group of ["core", "commands", "shell", "port and application", "libc", "padding"])
    rows.set(group, { flash: 0, ram: 0 });
  for (const { object, flash, ram } of parseLinkMap(readFileSync(`${buildFolder}${name}/map`, "utf8"))) {
    const row = rows.get(groupOf(object)) as Row;
    row.flash += flash;
    row.ram += ram;
  }
  const owned = nm(`${buildFolder}mote-${name}.elf`)
    .filter((symbol) => callerOwned.includes(symbol.name))
    .reduce((sum, { size }) => sum + size, 0);
  (rows.get("core") as Row).ram += owned;
  (rows.get("port and application") as Row).ram -= owned;
  return rows;
}

/** Lets the board do everything once, and asks how deep its stack went. */
async function stackUsed(): Promise<number> {
  await using guest = await startGuest();
  await using gateway = await Gateway.connect(guest.path);
  await gateway.until("a hello", () => gateway.hellos.length > 0);
  for (const op of [1, 3, 4, 99]) await gateway.request(op);
  await gateway.exec(["echo", "x".repeat(210)]);
  await gateway.exec(["help"]);
  await gateway.exec(["uptime"]);
  await gateway.exec(["log", "a line"]);
  await gateway.until("a report", () => gateway.reports.length > 0);
  await gateway.request(8, [0]);
  await gateway.exec(["frobnicate"]);
  await gateway.exec(["cat"], new Uint8Array(4000).fill(7));
  return Number((await gateway.exec(["stack"])).stdout.toString());
}

/** The functions with the largest frames, by the compiler's own count (-fstack-usage). */
function largestFrames(name: string, count: number): string[] {
  return globSync(`${buildFolder}${name}/src/**/*.su`)
    .flatMap((path) => readFileSync(path, "utf8").trim().split("\n"))
    .map((line) => line.split("\t"))
    .map(([where, bytes]) => ({
      name:
        basename(where ?? "")
          .split(":")
          .at(-1) ?? "",
      bytes: Number(bytes),
    }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, count)
    .map((frame) => `${frame.name} ${frame.bytes}`);
}

function print(title: string, rows: ReadonlyMap<string, Row>): void {
  console.log(`\n${title.padEnd(58)}flash    RAM`);
  for (const [name, { flash, ram }] of rows)
    console.log(`  ${name.padEnd(52)}${String(flash).padStart(8)}${String(ram).padStart(7)}`);
  const total = [...rows.values()].reduce((sum, row) => ({
    flash: sum.flash + row.flash,
    ram: sum.ram + row.ram,
  }));
  console.log(`  ${"all".padEnd(52)}${String(total.flash).padStart(8)}${String(total.ram).padStart(7)}`);
}

const failures: string[] = [];
for (const name of ["cortex-m", "cortex-m4", "cortex-m0"]) await make(`${buildFolder}mote-${name}.elf`);

const rows = sizesOf("cortex-m");
const core = rows.get("core") as Row;
// An interrupt on the deepest call is rare: several boots, and the worst of them.
let stack = 0;
for (let boot = 0; boot < 4; boot++) stack = Math.max(stack, await stackUsed());
print("Cortex-M3, booted (M = 256, log ring 512 B, two streams)", rows);
console.log(`\n  painted stack, high-water after every command${String(stack).padStart(23)}`);
console.log(`  largest frames: ${largestFrames("cortex-m", 6).join(", ")}`);
const ram = core.ram + stack;
console.log(
  `\n  core and streams, budget ${budget.flash} and ${budget.ram}${" ".repeat(17)}${String(core.flash).padStart(8)}${String(ram).padStart(7)}`,
);
if (core.flash > budget.flash) failures.push(`flash: ${core.flash} of ${budget.flash} bytes`);
if (ram > budget.ram) failures.push(`RAM: ${ram} of ${budget.ram} bytes`);
print("Cortex-M4, linked only", sizesOf("cortex-m4"));
print("Cortex-M0, linked only", sizesOf("cortex-m0"));

const found = nm(`${buildFolder}mote-cortex-m.elf`).filter(({ name }) => forbidden.test(name));
if (found.length > 0) failures.push(`linked: ${found.map(({ name }) => name).join(", ")}`);
for (const failure of failures) console.error(`over budget: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
