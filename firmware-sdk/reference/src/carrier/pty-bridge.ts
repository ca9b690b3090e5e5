import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { UnavailableError } from "../errors.ts";

/**
 * Node has no call that makes a pseudo terminal, so Python's os.openpty does (the only thing Python is needed for).
 * It keeps the slave open itself, like a UART whose other end may come and go: the device never sees a hang-up. Bytes
 * that nobody reads for 200 ms are dropped, as a UART drops them.
 */
const bridge = `
import os, pty, select, sys, time, tty
path = sys.argv[1]
master, slave = pty.openpty()
tty.setraw(slave)
name = os.ttyname(slave)
temporary = "%s.%d" % (path, os.getpid())
os.symlink(name, temporary)
os.replace(temporary, path)
os.set_blocking(master, False)
os.write(2, b"ready\\n")
waiting, stuck, ended = b"", None, False
try:
    while waiting or not ended:
        sources = [master] if ended or len(waiting) > 65536 else [master, 0]
        readable, writable, _ = select.select(sources, [master] if waiting else [], [], 0.2 if waiting else None)
        if 0 in readable:
            chunk = os.read(0, 65536)
            ended = not chunk
            waiting += chunk
        if master in readable:
            chunk = os.read(master, 65536)
            while chunk:
                chunk = chunk[os.write(1, chunk):]
        if waiting:
            try:
                waiting, stuck = waiting[os.write(master, waiting):], None
            except BlockingIOError:
                stuck = stuck or time.monotonic()
                if time.monotonic() - stuck > 0.2:
                    waiting, stuck = b"", None
except (BrokenPipeError, KeyboardInterrupt):
    pass
finally:
    if os.path.islink(path) and os.readlink(path) == name:
        os.unlink(path)
`;

/** A pseudo terminal whose slave is linked at a path; stdin and stdout of the process are its master. */
export async function openPty(path: string): Promise<ChildProcess> {
  // Its own process group: a Ctrl-C in the terminal must not cut the line before the goodbye is out.
  const child = spawn("python3", ["-c", bridge, path], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const outcome = await Promise.race([
    once(child, "error").then(([error]) => String(error)),
    once(child, "exit").then(([code]) => `python3 exited with ${code}`),
    once(child.stderr, "data").then(([bytes]) => String(bytes)),
  ]);
  if (outcome.startsWith("ready")) return child;
  child.kill();
  throw new UnavailableError("PTY_FAILED", `cannot make a pseudo terminal at ${path}: ${outcome.trim()}`);
}
