/**
 * Loaded before a program (`node --expose-gc --import`): a line `collect <number>` on stdin makes it collect its garbage at once, so that
 * what it holds can be told from what V8 has not got round to yet (sockets of TLS hold more outside of its heap than in it).
 */
import process from "node:process";
import { createInterface } from "node:readline";

const collect = (globalThis as { gc?: () => void }).gc;

createInterface({ input: process.stdin }).on("line", async (line) => {
  const [, number] = /^collect (\d+)$/.exec(line) ?? [];
  if (number === undefined) return;
  // What a finalizer frees may itself be the last to hold something.
  for (let times = 0; times < 4; times++) {
    collect?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.stdout.write(`collected ${number}: ${process.memoryUsage().heapUsed} bytes of heap in use\n`);
});
process.stdin.unref?.();
