import { Status } from "@motelet/profiles";
import type { CommandExit, CommandSession } from "../../devices/verbs/command-session.ts";
import { onAbort, raceAbort } from "../../foundation/abort.ts";
import { messageOf, RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { RemoteStream } from "../../streaming/remote-stream.ts";
import { parseResizes } from "../../streaming/remotecommand/resize.ts";
import type { RemoteSession } from "../../streaming/remotecommand/streams.ts";
import { exitNote, statusOfExit } from "./exit-status.ts";

/** Starts a command, or opens the console, for a client. */
export type StartSession = (options: { readonly signal: AbortSignal }) => Promise<CommandSession>;

/**
 * Connects an upgraded connection with a session on a device and reports to the client how it ended. If the client does
 * not read, the device is stopped; if the device does not read, the client is stopped. Ends with the session, when the
 * client disconnects (the session is cancelled), or on the signal.
 */
export async function runConversation(
  start: StartSession,
  remote: RemoteSession,
  signal: AbortSignal,
): Promise<CommandExit> {
  const cancel = new AbortController();
  const stop = () => cancel.abort();
  using _stopping = onAbort(signal, stop);
  void remote.closed.then(stop);
  const aborted = new Promise<CommandExit>((resolve) => {
    const give = () =>
      resolve(
        signal.aborted
          ? { status: Status.UNAVAILABLE, exitCode: 0, message: "the gateway is shutting down" }
          : { status: Status.CANCELLED, exitCode: 0, message: "the client closed the connection" },
      );
    onAbort(cancel.signal, give);
  });
  const running = converse(start, remote, cancel.signal).catch(exitOfError);
  const exit = await Promise.race([running, aborted]);
  await tellNote(exitNote(exit), remote, aborted);
  await remote.finish(statusOfExit(exit));
  cancel.abort();
  // The session is disposed when this ends: nothing of it outlives the call.
  await running;
  return exit;
}

async function converse(
  start: StartSession,
  { streams }: RemoteSession,
  signal: AbortSignal,
): Promise<CommandExit> {
  await using session = await start({ signal });
  if (streams.stdin) void feedInput(session, streams.stdin);
  if (streams.resize) void feedResizes(session, streams.resize);
  const finished = Promise.all([
    drainOutput(session.stdout, streams.stdout),
    drainOutput(session.stderr, streams.stderr),
    session.exit,
  ]);
  finished.catch(() => undefined);
  // What waits for the device or for the client is freed by disposing, so an abort must not wait for them.
  await raceAbort(finished, signal);
  if (signal.aborted) return { status: Status.CANCELLED, exitCode: 0, message: "the command was cancelled" };
  const [, , exit] = await finished;
  return exit;
}

/** On a terminal, and for a client that wants no stderr, on stdout. */
async function tellNote(
  note: string | undefined,
  { streams }: RemoteSession,
  aborted: Promise<unknown>,
): Promise<void> {
  const stream = streams.stderr ?? streams.stdout;
  if (note === undefined || !stream) return;
  const line = `${note}${streams.resize ? "\r\n" : "\n"}`;
  const told = stream.write(new TextEncoder().encode(line)).catch(() => {
    // The client has gone: nothing more is sent to it.
  });
  await Promise.race([told, aborted]);
}

async function drainOutput(
  output: AsyncIterable<Uint8Array>,
  stream: RemoteStream | undefined,
): Promise<void> {
  for await (const bytes of output) await stream?.write(bytes);
}

/** Ends quietly where either side goes away: `exit` and `closed` say why. */
async function feedInput(session: CommandSession, stream: RemoteStream): Promise<void> {
  try {
    for await (const bytes of stream.input()) await session.write(bytes);
    await session.endInput();
  } catch {
    // A command that takes no more input must not leave the client's bytes in the way of its other streams.
    stream.discardInput();
  }
}

async function feedResizes(session: CommandSession, stream: RemoteStream): Promise<void> {
  try {
    for await (const { columns, rows } of parseResizes(stream.input())) await session.resize(columns, rows);
  } catch {
    stream.discardInput();
  }
}

function exitOfError(error: unknown): CommandExit {
  return { status: statusOfError(error), exitCode: 0, message: messageOf(error) };
}

function statusOfError(error: unknown): number {
  if (error instanceof RequestError) return Status.INVALID_ARGUMENT;
  return error instanceof UnavailableError ? Status.UNAVAILABLE : Status.INTERNAL;
}
