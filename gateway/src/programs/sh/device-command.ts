import { Status } from "@motelet/profiles";
import type { CommandSession } from "../../devices/verbs/command-session.ts";
import { raceAbort } from "../../foundation/abort.ts";
import { messageOf, RequestError, UnavailableError } from "../../foundation/errors.ts";
import {
  type Descriptors,
  ended,
  type Outcome,
  type ShellHost,
  type Sink,
  writeLine,
  writeTo,
} from "./shell-host.ts";

/** Size of a terminal whose client does not tell its own. */
const usualSize = { columns: 80, rows: 24 };
/** What is read of `help` to find a command in it. */
const maxHelpBytes = 65_536;

/** Runs a command on the device, with those of the script's streams that belong to it. */
export async function runOnDevice(
  host: ShellHost,
  argv: readonly string[],
  { reads, out, err }: Descriptors,
): Promise<Outcome> {
  const { request, exec, key, call } = host;
  const tty = request.tty && out === "out" && err === "out";
  const isMixed = tty || out === err;
  const isHalfDiscarded = !isMixed && (out === "null" || err === "null");
  const stdin = request.stdin && reads;
  const wanted = { argv, tty, stdin, stdout: true, stderr: !isMixed };
  try {
    const session = await exec.start(key, isHalfDiscarded ? { ...wanted, apart: true } : wanted, call);
    return await converse(host, session, { stdin, tty, out, err });
  } catch (error) {
    // The device would not have it: what a shell says of a program that it cannot run.
    if (!(error instanceof RequestError)) throw error;
    await writeLine(host, err, `sh: ${argv[0]}: ${messageOf(error)}`);
    return ended(126);
  }
}

/** Opens the device's console on the caller's terminal. */
export async function openConsole(host: ShellHost): Promise<Outcome> {
  const { attach, key, call } = host;
  const session = await attach.attach(key, { stdin: true, stdout: true, tty: true }, call);
  return converse(host, session, { stdin: true, tty: true, out: "out", err: "out" }, usualSize);
}

/** Whether the device has a command of that name, according to its `help`. */
export async function hasCommandNamed(host: ShellHost, name: string): Promise<boolean> {
  const { exec, key, call } = host;
  const request = { argv: ["help"], tty: false, stdin: false, stdout: true, stderr: false };
  await using session = await exec.start(key, request, call);
  let text = "";
  for await (const bytes of session.stdout) {
    text += Buffer.from(bytes).toString("latin1");
    if (text.length > maxHelpBytes) break;
  }
  return text.split("\n").some((line) => line.split(" ")[0] === name);
}

async function converse(
  host: ShellHost,
  session: CommandSession,
  { stdin, tty, out, err }: { stdin: boolean; tty: boolean; out: Sink; err: Sink },
  size?: { readonly columns: number; readonly rows: number },
): Promise<Outcome> {
  await using running = session;
  const { terminal, signal } = host.streams;
  try {
    const known = terminal.size ?? size;
    const resize = (columns: number, rows: number) =>
      void running.resize(columns, rows).catch(() => undefined);
    if (tty) {
      terminal.onResize = resize;
      if (known) resize(known.columns, known.rows);
    }
    // A command that takes no more input is no fault of its script.
    if (stdin) void host.input.feed(running).catch(() => undefined);
    const finished = Promise.all([
      drain(host, running.stdout, out),
      drain(host, running.stderr, err),
      running.exit,
    ]);
    finished.catch(() => undefined);
    const result = await raceAbort(finished, signal);
    if (!result) throw new UnavailableError("SHELL_CANCELLED", "the shell was cancelled");
    const [, , exit] = result;
    return exit.status === Status.OK ? ended(exit.exitCode) : { code: 1, ends: true, exit };
  } finally {
    terminal.onResize = undefined;
  }
}

async function drain(host: ShellHost, output: AsyncIterable<Uint8Array>, sink: Sink): Promise<void> {
  for await (const bytes of output) await writeTo(host, sink, bytes);
}
