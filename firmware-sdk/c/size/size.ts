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
/** With what is there of "+ exec, properties, files, firmware blocks": no properties and no firmware yet. */
const filesBudget = { flash: 8 * 1024, ram: 2560 };
const forbidden = /^_?(malloc|calloc|realloc|free|sbrk|.*printf.*|strtol.*|__aeabi_[df].*)(_r)?$/;

/** All state of the core lies in these two objects of the application's. */
const callerOwned = ["device_session", "device_line"];
/** What else the commands need of the caller: argv and state of what runs. */
const jobs = "device_jobs";

/** What the second budget counts beside the core: exec and files with all that they share, the time of a file among it. */
const counted = ["arguments", "exec", "exec_control", "file_streams", "files", "jobs", "time"];

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
  if (object.includes("/src/shell/")) return "shell";
  if (object.includes("/src/stores/")) return "file store and kept ring";
  if (counted.some((name) => object.includes(`/src/commands/${name}.o`))) return "exec and files";
  if (object.includes("/src/commands/")) return "other commands";
  if (object.includes("/src/")) return "core";
  if (object.includes("/port/")) return "port and application";
  return object === "*fill*" ? "padding" : "libc";
}

const groups = [
  "core",
  "exec and files",
  "other commands",
  "file store and kept ring",
  "shell",
  "port and application",
  "libc",
  "padding",
];

interface Row {
  flash: number;
  ram: number;
}

function sizesOf(name: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const group of groups) rows.set(group, { flash: 0, ram: 0 });
  for (const { object, flash, ram } of parseLinkMap(readFileSync(`${buildFolder}${name}/map`, "utf8"))) {
    const row = rows.get(groupOf(object)) as Row;
    row.flash += flash;
    row.ram += ram;
  }
  for (const symbol of nm(`${buildFolder}mote-${name}.elf`)) {
    const group = callerOwned.includes(symbol.name)
      ? groups[0]
      : symbol.name === jobs
        ? groups[1]
        : undefined;
    if (group === undefined) continue;
    (rows.get(group) as Row).ram += symbol.size;
    (rows.get("port and application") as Row).ram -= symbol.size;
  }
  return rows;
}

/** Bytes of stack that were used at the deepest: when the board had done what a core does, and then with files. */
interface StackUse {
  core: number;
  files: number;
}

/** Lets the board do everything once, and asks how deep its stack went. */
async function stackUsed(): Promise<StackUse> {
  await using guest = await startGuest();
  await using gateway = await Gateway.connect(guest.path);
  const measure = async () => Number((await gateway.exec(["stack"])).stdout.toString());
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
  const core = await measure();
  const path = `/${"d".repeat(30)}/${"f".repeat(32)}`;
  await gateway.stream(16, (stream) => [stream, null, 0o644, path], new Uint8Array(5000).fill(7));
  await gateway.stream(15, (stream) => [stream, 0, path]);
  await gateway.request(13, [path]);
  await gateway.request(14, ["/", 0]);
  await gateway.request(18, [path, "/b"]);
  await gateway.request(17, ["/b"]);
  return { core, files: await measure() };
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
const files = rows.get(groups[1] as string) as Row;
// An interrupt on the deepest call is rare: several boots, and the worst of them.
const stack: StackUse = { core: 0, files: 0 };
for (let boot = 0; boot < 4; boot++) {
  const used = await stackUsed();
  stack.core = Math.max(stack.core, used.core);
  stack.files = Math.max(stack.files, used.files);
}
print("Cortex-M3, booted (M = 256, log ring 512 B, two streams)", rows);
const line = (what: string, flash: number | "", ram: number) =>
  console.log(`  ${what.padEnd(52)}${String(flash).padStart(8)}${String(ram).padStart(7)}`);
console.log();
line("painted stack, high-water: of the core's commands", "", stack.core);
line("… and with files", "", stack.files);
console.log(`  largest frames: ${largestFrames("cortex-m", 6).join(", ")}\n`);
const expect = (what: string, got: Row, most: Row) => {
  line(`${what}, budget ${most.flash} and ${most.ram}`, got.flash, got.ram);
  if (got.flash > most.flash) failures.push(`${what}: flash ${got.flash} of ${most.flash} bytes`);
  if (got.ram > most.ram) failures.push(`${what}: RAM ${got.ram} of ${most.ram} bytes`);
};
expect("core and streams", { flash: core.flash, ram: core.ram + stack.core }, budget);
expect(
  "+ exec, files",
  { flash: core.flash + files.flash, ram: core.ram + files.ram + stack.files },
  filesBudget,
);
console.log(
  "  (counted: core, exec and files; beside it the store, the shell and what a device of files need not have)",
);
print("Cortex-M4, linked only", sizesOf("cortex-m4"));
print("Cortex-M0, linked only", sizesOf("cortex-m0"));

const found = nm(`${buildFolder}mote-cortex-m.elf`).filter(({ name }) => forbidden.test(name));
if (found.length > 0) failures.push(`linked: ${found.map(({ name }) => name).join(", ")}`);
for (const failure of failures) console.error(`over budget: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
