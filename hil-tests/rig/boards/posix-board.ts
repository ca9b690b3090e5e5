import { fileURLToPath } from "node:url";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const binary = fileURLToPath(new URL("../../../build/c/mote-posix", import.meta.url));

/** The C core as a Linux process that listens on a unix socket. Its boot counter is a file of the folder. */
export async function startPosixBoard(options: {
  readonly unixPath: string;
  readonly folder: string;
  /** Seconds between `printf` lines; absent: none. */
  readonly tickS?: number;
}): Promise<Board> {
  const state = `${options.folder}/${options.unixPath.split("/").at(-1)}.state`;
  const tick = options.tickS === undefined ? [] : ["--tick", String(options.tickS)];
  const board = new ProcessBoard(
    { name: "mote-posix", command: binary, args: ["--unix", options.unixPath, "--state", state, ...tick] },
    async () => undefined,
  );
  await board.restart();
  return board;
}
