import type { AttachVerb } from "../../devices/verbs/attach.ts";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { CommandExit, CommandRequest } from "../../devices/verbs/command-session.ts";
import type { ExecVerb } from "../../devices/verbs/exec.ts";
import type { FilesVerb } from "../../devices/verbs/files.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { LocalStreams } from "../local-command.ts";
import type { SharedInput } from "./shared-input.ts";

/** The environment of a shell for one device: the device's verbs, and the streams of its caller. */
export interface ShellHost {
  readonly key: string;
  readonly capabilities: readonly string[];
  /** Runs the commands that the shell does not handle itself. */
  readonly exec: ExecVerb;
  readonly attach: AttachVerb;
  readonly files: FilesVerb;
  readonly clock: Clock;
  readonly call: CallOptions;
  /** The caller's request; its words are those of the shell. */
  readonly request: CommandRequest;
  readonly streams: LocalStreams;
  readonly input: SharedInput;
}

/** The target of a descriptor: the caller's stdout or stderr, or nowhere. */
export type Sink = "out" | "err" | "null";

export interface Descriptors {
  /** Whether it reads the caller's stdin. */
  readonly reads: boolean;
  readonly out: Sink;
  readonly err: Sink;
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  /** `exit` and `exec`: no command after it runs. */
  readonly ends: boolean;
  /** Set if it did not end by itself, for example because the device was lost. */
  readonly exit?: CommandExit;
}

export const ended = (code: number): Outcome => ({ code, ends: false });

/** Writes to the target of a descriptor. */
export async function writeTo({ streams }: ShellHost, sink: Sink, bytes: Uint8Array): Promise<void> {
  if (sink === "out") await streams.print(bytes);
  if (sink === "err") await streams.printError(bytes);
}

/** Writes a line; a terminal's lines end in a carriage return too. */
export function writeLine(host: ShellHost, sink: Sink, line: string): Promise<void> {
  return writeTo(host, sink, Buffer.from(host.request.tty ? `${line}\r\n` : `${line}\n`));
}
