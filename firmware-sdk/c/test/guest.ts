import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildFolder } from "./driver.ts";

/** The Cortex-M3 binary in an emulator; its UART is a unix socket. */
export interface Guest extends AsyncDisposable {
  readonly path: string;
  readonly pid: number;
}

/** Starts QEMU's mps2-an385 with the built binary, and what else its command line is to have. Says so where QEMU is missing. */
export async function startGuest(...more: readonly string[]): Promise<Guest> {
  const folder = await mkdtemp(join(tmpdir(), "mote-qemu-"));
  const path = join(folder, "line");
  const child = spawn(
    "qemu-system-arm",
    [
      ...(more.includes("-M") ? [] : ["-M", "mps2-an385"]),
      ...["-display", "none", "-monitor", "none"],
      ...["-chardev", `socket,id=u0,path=${path},server=on,wait=off`, "-serial", "chardev:u0"],
      ...["-kernel", `${buildFolder}mote-cortex-m.elf`, ...more],
    ],
    { stdio: "inherit" },
  );
  try {
    await once(child, "spawn");
  } catch (cause) {
    await rm(folder, { recursive: true });
    throw new Error("the Cortex-M binary needs qemu-system-arm to run", { cause });
  }
  return {
    path,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}
