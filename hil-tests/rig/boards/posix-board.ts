import { fileURLToPath } from "node:url";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const binary = fileURLToPath(new URL("../../../build/c/mote-posix", import.meta.url));

/** The C core as a Linux process behind a unix socket or a pseudo terminal. Boot counter, files and log are kept in the folder. */
export async function startPosixBoard(options: {
  /** Where it listens, or the link to its pseudo terminal. */
  readonly path: string;
  readonly kind: "unix" | "pty";
  readonly folder: string;
  /** Seconds between `printf` lines; absent: none. */
  readonly tickS?: number;
  /** What port-forward reaches in addition to the echo at port 7: a port of the board, and where it leads. */
  readonly services?: readonly { readonly port: number; readonly host: string; readonly at: number }[];
}): Promise<Board> {
  const state = `${options.folder}/${options.path.split("/").at(-1)}.state`;
  const tick = options.tickS === undefined ? [] : ["--tick", String(options.tickS)];
  const services = (options.services ?? []).flatMap(({ port, host, at }) => [
    "--service",
    `${port}=${host}:${at}`,
  ]);
  const board = new ProcessBoard(
    {
      name: "mote-posix",
      command: binary,
      args: [`--${options.kind}`, options.path, "--state", state, ...tick, ...services],
    },
    async () => undefined,
  );
  await board.restart();
  return board;
}
