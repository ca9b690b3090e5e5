/**
 * Prints flash and RAM of the C SDK, taken from the link map of the ELF that boots, and the stack that it used on the
 * emulated board. Fails over budget, or where a forbidden function was linked.
 *
 *   node --conditions=motelet-source firmware-sdk/c/size/size.ts
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { LineGateway, until } from "@motelet/testing";
import { buildFolder, make } from "../test/driver.ts";
import { startGuest } from "../test/guest.ts";
import { parseLinkMap } from "./link-map.ts";

const budget = { flash: 5 * 1024, ram: 1792 };
/** With what is there of "+ exec, properties, files, firmware blocks": no properties and no firmware yet. */
const filesBudget = { flash: 8 * 1024, ram: 2560 };
/** What a device may leave out: formatting, and the line that says that it has booted. */
const formatBudget = { flash: 704, ram: 0 };
const bootLineBudget = { flash: 400, ram: 0 };
/** Lines of interrupts and threads, with 256 bytes of them. */
const queueBudget = { flash: 704, ram: 288 };
/** When a carrier that dials connects again; no port of ours dials, so that it is compiled only. */
const reconnectBudget = { flash: 128, ram: 8 };
const forbidden = /^_?(malloc|calloc|realloc|free|sbrk|.*printf.*|strtol.*|__aeabi_[df].*)(_r)?$/;

/** The rows of the table, and which objects each takes; the first that takes one counts it. */
const groups: readonly (readonly [name: string, takes: RegExp])[] = [
  ["core", /\/src\/[^/]+\.o$/],
  ["exec, and what all of the parts below run on", /\/commands\/(arguments|exec|exec_control|job)\.o$/],
  ["files", /\/commands\/(file_\w+|time)\.o$/],
  ["console", /\/commands\/console\.o$/],
  ["stats", /\/commands\/stats\.o$/],
  ["dial", /\/commands\/dial\.o$/],
  ["peripherals", /\/commands\/peripheral_\w+\.o$/],
  ["ping, info, reboot, log-read, printing", /\/commands\//],
  ["flash store", /\/stores\/flash_\w+\.o$/],
  ["kept ring", /\/stores\/kept_ring\.o$/],
  ["log: formatting", /\/log\/log_format\.o$/],
  ["log: the boot's line", /\/log\/log_boot\.o$/],
  ["log: queue of interrupts and threads", /\/log\/log_queue\.o$/],
  ["shell: options and usage", /\/shell\/shell_call\.o$/],
  ["shell: help, echo, uptime, exit, size, sleep, reboot", /\/shell\/shell_basic\.o$/],
  ["shell: ls, cat, rm, df", /\/shell\/shell_files\.o$/],
  ["shell: ps, top, free", /\/shell\/shell_tasks\.o$/],
  ["shell: log", /\/shell\/shell_log\.o$/],
  ["shell: get, set", /\/shell\/shell_settings\.o$/],
  ["port and application", /\/(port|size)\//],
  ["padding", /^\*fill\*$/],
  ["libc", /./],
];
const [core, exec, files] = groups.map(([name]) => name) as [string, string, string];
const port = "port and application";

/** Memory that the application gives to a part is the part's; all of them share the argv and state of what runs. */
const owners: ReadonlyMap<string, string> = new Map([
  ["device_session", core],
  ["device_line", core],
  ["device_jobs", exec],
  ["cortex_files", "flash store"],
  ["avr_files", "flash store"],
  ["used", "flash store"],
  ["pages", "flash store"],
  ["kept_ring", "kept ring"],
  ["mote_log_queue", "log: queue of interrupts and threads"],
  ["label", "shell: get, set"],
  ["prompt", "shell: get, set"],
]);

const isAvr = (name: string) => name.startsWith("atmega");

function nm(name: string): { name: string; size: number }[] {
  const program = isAvr(name) ? "avr-nm" : "arm-none-eabi-nm";
  return execFileSync(program, ["-S", `${buildFolder}mote-${name}.elf`], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.split(" "))
    .map((fields) => ({
      name: fields.at(-1) ?? "",
      size: fields.length === 4 ? Number.parseInt(fields[1] as string, 16) : 0,
    }));
}

function groupOf(object: string): string {
  return groups.find(([, takes]) => takes.test(object))?.[0] ?? "libc";
}

interface Row {
  flash: number;
  ram: number;
}

function sizesOf(name: string): Map<string, Row> {
  const rows = new Map<string, Row>(groups.map(([group]) => [group, { flash: 0, ram: 0 }]));
  for (const { object, flash, ram } of parseLinkMap(readFileSync(`${buildFolder}${name}/map`, "utf8"))) {
    const row = rows.get(groupOf(object)) as Row;
    row.flash += flash;
    row.ram += ram;
  }
  for (const symbol of nm(name)) {
    const group = owners.get(symbol.name);
    if (group === undefined) continue;
    (rows.get(group) as Row).ram += symbol.size;
    (rows.get(port) as Row).ram -= symbol.size;
  }
  return rows;
}

/** Bytes of stack that were used at the deepest: when the board had done what a core does, then with files, then with all. */
interface StackUse {
  core: number;
  files: number;
  all: number;
}

/** Lets the board do everything once, and asks how deep its stack went. */
async function stackUsed(): Promise<StackUse> {
  await using guest = await startGuest();
  await using gateway = await LineGateway.connect(guest.path);
  const measure = async () => Number((await gateway.exec(["stack"])).stdout.toString());
  for (const op of [1, 3, 4, 99]) await gateway.request(op);
  await gateway.exec(["echo", "x".repeat(210)]);
  await gateway.exec(["help"]);
  await gateway.exec(["uptime"]);
  await gateway.exec(["log", "a line"]);
  await until("a report", () => gateway.lines.length > 0);
  await gateway.request(8, [0]);
  await gateway.exec(["frobnicate"]);
  await gateway.exec(["cat"], new Uint8Array(4000).fill(7));
  const core = await measure();
  const path = `/${"d".repeat(30)}/${"f".repeat(32)}`;
  await gateway.transfer(16, (stream) => [stream, null, 0o644, path], new Uint8Array(5000).fill(7));
  await gateway.transfer(15, (stream) => [stream, 0, path]);
  await gateway.request(13, [path]);
  await gateway.request(14, ["/", 0]);
  await gateway.request(18, [path, "/b"]);
  await gateway.request(17, ["/b"]);
  const withFiles = await measure();
  await gateway.transfer(16, (stream) => [stream, null, 0o644, path], new Uint8Array(500).fill(7));
  for (const line of [
    "ls -l /",
    `cat ${path}`,
    `rm ${path}`,
    "df",
    "ps",
    "top -n 1",
    "free",
    "log",
    "log -p",
  ])
    await gateway.exec(line.split(" "));
  for (const line of ["get", "set label in the shed", "size", "sleep 0"]) await gateway.exec(line.split(" "));
  await gateway.transfer(7, (stream) => [stream], Buffer.from("echo a line of the console\n"));
  await gateway.request(11, [0]);
  await gateway.transfer(12, (stream) => [stream, 7], new Uint8Array(1000).fill(7));
  await gateway.request(19, [0]);
  await gateway.transfer(20, (stream) => [stream, 0, 0, "relay0", ["set", "on"]]);
  return { core, files: withFiles, all: await measure() };
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

const line = (what: string, flash: number | "", ram: number) =>
  console.log(`  ${what.padEnd(52)}${String(flash).padStart(8)}${String(ram).padStart(7)}`);

const sumOf = (rows: Iterable<Row>): Row =>
  [...rows].reduce((sum, row) => ({ flash: sum.flash + row.flash, ram: sum.ram + row.ram }), {
    flash: 0,
    ram: 0,
  });

function print(title: string, rows: ReadonlyMap<string, Row>): void {
  console.log(`\n${title.padEnd(58)}flash    RAM`);
  for (const [name, { flash, ram }] of rows) line(name, flash, ram);
  const { flash, ram } = sumOf(rows.values());
  line("all", flash, ram);
}

const failures: string[] = [];
for (const name of ["cortex-m", "cortex-m4", "cortex-m0", "atmega1284p"])
  await make(`${buildFolder}mote-${name}.elf`);

const rows = sizesOf("cortex-m");
// An interrupt on the deepest call is rare: several boots, and the worst of them.
const stack: StackUse = { core: 0, files: 0, all: 0 };
for (let boot = 0; boot < 4; boot++) {
  const used = await stackUsed();
  for (const part of Object.keys(stack) as (keyof StackUse)[])
    stack[part] = Math.max(stack[part], used[part]);
}
print("Cortex-M3, booted (M = 256, log ring 512 B, two streams)", rows);
console.log();
line("painted stack, high-water: of the core's commands", "", stack.core);
line("… and with files", "", stack.files);
line("… and with every part", "", stack.all);
console.log(`  largest frames: ${largestFrames("cortex-m", 6).join(", ")}\n`);
const expect = (what: string, parts: readonly string[], stackBytes: number, max: Row) => {
  const { flash, ram } = sumOf(parts.map((part) => rows.get(part) as Row));
  const got = { flash, ram: ram + stackBytes };
  line(`${what}, budget ${max.flash} and ${max.ram}`, got.flash, got.ram);
  if (got.flash > max.flash) failures.push(`${what}: flash ${got.flash} of ${max.flash} bytes`);
  if (got.ram > max.ram) failures.push(`${what}: RAM ${got.ram} of ${max.ram} bytes`);
};
expect("core and streams", [core], stack.core, budget);
expect("+ exec, files", [core, exec, files], stack.files, filesBudget);
expect("log: formatting", ["log: formatting"], 0, formatBudget);
expect("log: the boot's line", ["log: the boot's line"], 0, bootLineBudget);
const logQueue = "log: queue of interrupts and threads";
expect(logQueue, [logQueue], 0, queueBudget);
const every = [...rows.keys()].filter((name) => ![port, "libc", "padding"].includes(name));
const { flash, ram } = sumOf(every.map((name) => rows.get(name) as Row));
line("+ every other part, flash store and shell: no budget", flash, ram + stack.all);
const [text = 0, data = 0, bss = 0] =
  execFileSync("arm-none-eabi-size", [`${buildFolder}cortex-m/src/carrier/reconnect.o`], { encoding: "utf8" })
    .split("\n")[1]
    ?.trim()
    .split(/\s+/)
    .map(Number) ?? [];
const reconnectName = "carrier: when to connect again";
// Its state is the port's: struct mote_reconnect.
rows.set(reconnectName, { flash: text + data, ram: data + bss + 8 });
expect(reconnectName, [reconnectName], 0, reconnectBudget);
print("Cortex-M4, linked only", sizesOf("cortex-m4"));
print("Cortex-M0, linked only", sizesOf("cortex-m0"));
// There a constant takes RAM too.
print("ATmega1284P (AVR), linked only (M = 128, log ring 512 B)", sizesOf("atmega1284p"));

const found = nm("cortex-m").filter(({ name }) => forbidden.test(name));
if (found.length > 0) failures.push(`linked: ${found.map(({ name }) => name).join(", ")}`);
for (const failure of failures) console.error(`over budget: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
