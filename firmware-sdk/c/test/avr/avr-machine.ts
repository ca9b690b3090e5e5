/**
 * Runs a program on an emulated AVR, as if it were a process: its stdio is this process's, and so is its exit code
 * (test/avr/avr_board.c has the other end).
 *
 *   node firmware-sdk/c/test/avr/avr-machine.ts PROGRAM.bin
 *
 * An ATmega1284 but for its RAM, which is all that 16 bits can address. It has no peripherals: timers, UARTs and
 * interrupts are not here.
 */
import { readFileSync } from "node:fs";
import { avrInstruction, CPU } from "avr8js";

const flashBytes = 128 * 1024;
const ramBytes = 0xff00;
/** General purpose registers, by their addresses in memory. */
const register = { input: 0x3e, output: 0x4a, state: 0x4b };
const state = { nothing: 0, byte: 1, end: 2 };
/** Bytes of output that are held back at most. */
const outputBytes = 4096;

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: avr-machine.ts PROGRAM.bin");
const program = readFileSync(path);
if (program.length > flashBytes)
  throw new Error(`${path} has ${program.length} bytes: expected at most ${flashBytes}`);

const flash = new Uint8Array(flashBytes);
flash.set(program);
const cpu = new CPU(new Uint16Array(flash.buffer), ramBytes);
const input: Uint8Array[] = [];
let inputAt = 0;
let hasEnded = false;
let isRunning = false;
let output: number[] = [];

cpu.readHooks[register.state] = () => {
  if (input.length > 0) return state.byte;
  if (hasEnded) return state.end;
  isRunning = false;
  return state.nothing;
};
cpu.readHooks[register.input] = () => {
  const chunk = input[0] as Uint8Array;
  const byte = chunk[inputAt++] as number;
  if (inputAt === chunk.length) {
    input.shift();
    inputAt = 0;
  }
  return byte;
};
cpu.writeHooks[register.output] = (byte) => {
  output.push(byte);
  if (output.length === outputBytes) flush();
};
cpu.writeHooks[register.state] = (code) => {
  isRunning = false;
  process.exitCode = code;
  process.stdin.destroy();
};

function flush(): void {
  if (output.length > 0) process.stdout.write(Buffer.from(output));
  output = [];
}

/** Goes on until the program waits for input, or has ended. */
function run(): void {
  for (isRunning = process.exitCode === undefined; isRunning; ) avrInstruction(cpu);
  flush();
}

process.stdin.on("data", (chunk: Buffer) => {
  input.push(chunk);
  run();
});
process.stdin.on("end", () => {
  hasEnded = true;
  run();
});
run();
