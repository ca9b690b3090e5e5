import type { AttachVerb } from "../../devices/verbs/attach.ts";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { CommandExit, CommandRequest } from "../../devices/verbs/command-session.ts";
import type { ExecVerb } from "../../devices/verbs/exec.ts";
import type { FilesVerb } from "../../devices/verbs/files.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { LocalStreams } from "../local-command.ts";
import type { SharedInput } from "./shared-input.ts";

/** What a shell of one device has: the device's verbs, and the streams of its caller. */
export interface ShellHost {
  readonly key: string;
  readonly capabilities: readonly string[];
  /** Runs what the shell does not do itself. */
  readonly exec: ExecVerb;
  readonly attach: AttachVerb;
  readonly files: FilesVerb;
  readonly clock: Clock;
  readonly call: CallOptions;
  /** What the caller asked for; its words are the shell's. */
  readonly request: CommandRequest;
  readonly streams: LocalStreams;
  readonly input: SharedInput;
}

/** Where a descriptor leads: the caller's stdout or stderr, or nowhere. */
export type Sink = "out" | "err" | "null";

export interface Descriptors {
  /** Whether it reads from the caller. */
  readonly reads: boolean;
  readonly out: Sink;
  readonly err: Sink;
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  /** `exit` and `exec`: nothing after it runs. */
  readonly ends: boolean;
  /** Set if it did not end by itself, for example because the device was lost. */
  readonly exit?: CommandExit;
}

export const ended = (code: number): Outcome => ({ code, ends: false });

/** Writes to where a descriptor leads. */
export async function writeTo({ streams }: ShellHost, sink: Sink, bytes: Uint8Array): Promise<void> {
  if (sink === "out") await streams.print(bytes);
  if (sink === "err") await streams.printError(bytes);
}

/** Writes a line; a terminal's lines end in a carriage return too. */
export function writeLine(host: ShellHost, sink: Sink, line: string): Promise<void> {
  return writeTo(host, sink, Buffer.from(host.request.tty ? `${line}\r\n` : `${line}\n`));
}
