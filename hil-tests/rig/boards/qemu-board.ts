import { fileURLToPath } from "node:url";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const firmware = fileURLToPath(new URL("../../../build/c/mote-cortex-m.elf", import.meta.url));

/** The Cortex-M3 firmware on an emulated mps2-an385, whose UART is a unix socket. It boots when somebody connects. */
export async function startQemuBoard(options: {
  readonly unixPath: string;
  /** A unix socket for the second UART, which port-forward reaches at port 1. It is listened on; nobody need connect. */
  readonly secondUartPath?: string;
  /** The file that keeps the board's flash over a power-off; absent: it is empty at each power-on. */
  readonly flashPath?: string;
}): Promise<Board> {
  const { secondUartPath, flashPath } = options;
  const machine = flashPath === undefined ? "mps2-an385" : "mps2-an385,memory-backend=psram";
  const flash =
    flashPath === undefined
      ? []
      : ["-object", `memory-backend-file,id=psram,size=16M,mem-path=${flashPath},share=on`];
  const secondUart =
    secondUartPath === undefined
      ? []
      : ["-chardev", `socket,id=u1,path=${secondUartPath},server=on,wait=off`, "-serial", "chardev:u1"];
  const board = new ProcessBoard(
    {
      name: "qemu",
      command: "qemu-system-arm",
      args: [
        ...["-M", machine, "-display", "none", "-monitor", "none", ...flash],
        ...[
          "-chardev",
          `socket,id=u0,path=${options.unixPath},server=on,wait=on`,
          "-serial",
          "chardev:u0",
          ...secondUart,
        ],
        ...["-kernel", firmware],
      ],
    },
    async () => undefined,
  );
  await board.restart();
  return board;
}
