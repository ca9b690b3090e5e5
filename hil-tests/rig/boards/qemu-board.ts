import { fileURLToPath } from "node:url";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const firmware = fileURLToPath(new URL("../../../build/c/mote-cortex-m.elf", import.meta.url));

/** The Cortex-M3 firmware on an emulated mps2-an385, whose UART is a unix socket. It boots when somebody connects. */
export async function startQemuBoard(options: { readonly unixPath: string }): Promise<Board> {
  const board = new ProcessBoard(
    {
      name: "qemu",
      command: "qemu-system-arm",
      args: [
        ...["-M", "mps2-an385", "-display", "none", "-monitor", "none"],
        ...["-chardev", `socket,id=u0,path=${options.unixPath},server=on,wait=on`, "-serial", "chardev:u0"],
        ...["-kernel", firmware],
      ],
    },
    async () => undefined,
  );
  await board.restart();
  return board;
}
