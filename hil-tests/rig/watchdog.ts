import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { RigError } from "./errors.ts";

/**
 * Reads one line per fact (`+p 12` a process group lives, `-p 12` it has ended, `+d path` a folder exists, `-d path`
 * it is gone) and acts at the end of the input, which comes however the parent ends, SIGKILL included.
 * It ignores the signals of the terminal, so that it outlives whom it watches.
 */
const script = `
trap '' INT TERM HUP
groups= folders=
while read -r verb subject; do
  case $verb in
    +p) groups="$groups $subject" ;;
    -p) kept=; for group in $groups; do [ "$group" = "$subject" ] || kept="$kept $group"; done; groups=$kept ;;
    +d) folders="$folders
$subject" ;;
    -d) kept=; IFS='
'; for folder in $folders; do [ "$folder" = "$subject" ] || kept="$kept
$folder"; done; unset IFS; folders=$kept ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done 2>/dev/null
IFS='
'
for attempt in 1 2 3 4 5; do
  left=
  for folder in $folders; do rm -rf "$folder" 2>/dev/null || left=yes; done
  [ -z "$left" ] && exit 0
  sleep 0.2
done
`;

let running: Writable | undefined;

/**
 * The input of this process' watchdog, a small shell that is started with the first child.
 * A child gets it as descriptor 3 and registers itself before it becomes the program it runs: there is no instant in
 * which a child lives unwatched.
 */
export function watchdogInput(): Writable {
  if (running?.writable) return running;
  // Its stdin is a socket pair, not a pipe: Linux lets children inherit the writing end of either.
  const watchdog = spawn("sh", ["-c", script, "motelet-watchdog"], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  watchdog.on("error", () => {});
  watchdog.stdin.on("error", () => {});
  watchdog.unref();
  const input: Writable & { unref?: () => void } = watchdog.stdin;
  input.unref?.();
  running = input;
  return input;
}

/** Tells the watchdog that a process group has ended, so that its number may be used again. */
export function forgetProcessGroup(pid: number): void {
  running?.write(`-p ${pid}\n`);
}

/** A folder that goes when it is disposed, or when this process ends in whatever way. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes an empty folder `<tmp>/<prefix>XXXXXX`, readable by this user alone.
 * @throws RigError BAD_TEMPORARY_FOLDER when the machine's temporary folder has a line break in its name
 */
export function makeTemporaryFolder(prefix: string): TemporaryFolder {
  const input = watchdogInput();
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  if (folder.includes("\n")) {
    rmSync(folder, { recursive: true });
    throw new RigError(
      "BAD_TEMPORARY_FOLDER",
      `cannot watch over ${JSON.stringify(folder)}: it has a line break`,
    );
  }
  input.write(`+d ${folder}\n`);
  return {
    path: folder,
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      input.write(`-d ${folder}\n`);
    },
  };
}
