import { fileURLToPath } from "node:url";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const binary = fileURLToPath(new URL("../../../build/c/mote-posix", import.meta.url));

/** The C core as a Linux process behind a unix socket or a pseudo terminal. Its boot counter is a file of the folder. */
export async function startPosixBoard(options: {
  /** Where it listens, or the link to its pseudo terminal. */
  readonly path: string;
  readonly kind: "unix" | "pty";
  readonly folder: string;
  /** Seconds between `printf` lines; absent: none. */
  readonly tickS?: number;
}): Promise<Board> {
  const state = `${options.folder}/${options.path.split("/").at(-1)}.state`;
  const tick = options.tickS === undefined ? [] : ["--tick", String(options.tickS)];
  const board = new ProcessBoard(
    {
      name: "mote-posix",
      command: binary,
      args: [`--${options.kind}`, options.path, "--state", state, ...tick],
    },
    async () => undefined,
  );
  await board.restart();
  return board;
}
