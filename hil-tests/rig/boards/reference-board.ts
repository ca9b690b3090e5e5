import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../gateway-process.ts";
import type { WireIdentity } from "../installation.ts";
import type { Board } from "./board.ts";
import { ProcessBoard } from "./process-board.ts";

const main = fileURLToPath(new URL("../../../gateway/cli/main.ts", import.meta.url));
const upMs = 20_000;

/** One device of a fleet: its name, its board, and what it shows to the broker. */
export interface FleetMember extends WireIdentity {
  readonly name: string;
  readonly board: string;
}

function motelet(name: string, args: readonly string[], up: RegExp): ProcessBoard {
  const command = { name, command: process.execPath, args: [...nodeFlags, main, "device", "run", ...args] };
  return new ProcessBoard(command, (started) => started.waitForLine(up, { deadlineMs: upMs }));
}

/** TS reference devices over MQTT, all in one process. */
export async function startReferenceFleet(options: {
  readonly mqttPort: number;
  readonly members: readonly FleetMember[];
  /** Where the identities are written for the process to read. */
  readonly folder: string;
  /** Seconds between log lines of each device; absent: none. */
  readonly chatterS?: number;
  /** What happens to their messages, e.g. "drop=0.2,freeze=0.001/30"; the same seed gives the same faults. */
  readonly faults?: string;
  readonly seed?: number;
  /** How many of them start each second. */
  readonly startsPerSecond?: number;
  /** What port-forward finds on them: the address of a TCP server by port. */
  readonly services?: Readonly<Record<number, string>>;
}): Promise<Board> {
  const identities = path.join(options.folder, "identities.json");
  await writeFile(identities, JSON.stringify(options.members), { mode: 0o600 });
  const args = ["--mqtt", `mqtt://127.0.0.1:${options.mqttPort}`, "--identities", identities];
  const { chatterS, faults, seed, startsPerSecond } = options;
  const flags = Object.entries({ chatter: chatterS, faults, seed, ramp: startsPerSecond });
  const given = flags.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, String(value)]));
  const services = Object.entries(options.services ?? {}).flatMap(([port, address]) => [
    "--service",
    `${port}=${address}`,
  ]);
  const board = motelet("reference fleet", [...args, ...given, ...services], /: online /);
  await board.restart();
  return board;
}

/** One TS reference device that listens on a unix socket, as an emulated board's UART does. */
export async function startSerialReference(options: {
  readonly unixPath: string;
  readonly board: string;
}): Promise<Board> {
  const board = motelet(
    "serial reference",
    ["--serial", `unix:${options.unixPath}`, "--board", options.board],
    /^serial: /,
  );
  await board.restart();
  return board;
}
