import { LRUCache } from "lru-cache";
import type { Registry } from "../../devices/registry.ts";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { CommandRequest, CommandSession } from "../../devices/verbs/command-session.ts";
import type { ExecVerb } from "../../devices/verbs/exec.ts";
import type { FilesVerb } from "../../devices/verbs/files.ts";
import type { Clock } from "../../foundation/clock.ts";
import { delay } from "../../foundation/delay.ts";
import { RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { LocalCommand, type LocalProgram, type LocalStreams } from "../local-command.ts";
import { resolveName } from "../member-path.ts";
import { fileErrorCode } from "./file-errors.ts";
import { type CopyCommand, parseCopyCommand } from "./tar-command.ts";
import { ArchiveWriter, type CopyMark } from "./tar-create.ts";
import { extractArchive } from "./tar-extract.ts";

export interface CopyingExecOptions {
  /** Runs every command that does not copy files. */
  readonly exec: ExecVerb;
  readonly files: FilesVerb;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Copies at the same time, each of which may hold about a megabyte; default 32. */
  readonly maxCopies?: number;
}

const maxMarks = 256;
/** How long a copy that can be resumed is held open for a device that was lost, and how often it is looked for. Milliseconds. */
const returnWaitMs = 30_000;
const returnPollMs = 1_000;

type Create = CopyCommand & { readonly kind: "create" };
type Extraction = CopyCommand & { readonly kind: "extract" };

/**
 * Exec as `kubectl cp` needs it: a device has no tar, so the gateway emulates `tar`, `test -d` and kubectl's
 * `tar | tail` with the device's file commands. On a device without files everything works except tar.
 */
export function copyingExec(options: CopyingExecOptions): ExecVerb {
  return new CopyingExec(options);
}

/** How a copy ended that was not cut off by an error. */
interface CopyEnd {
  readonly exitCode: number;
  /** `interrupted`: the device was lost, and the caller will request the rest. */
  readonly outcome: "done" | "failed" | "interrupted";
}

class CopyingExec implements ExecVerb {
  readonly #options: CopyingExecOptions;
  readonly #maxCopies: number;
  /**
   * Interrupted copies that may be resumed. They show whether files changed meanwhile: the caller's bytes before and
   * after the interruption must be from the same files. A copy that is no longer remembered is resumed unchecked, as in
   * every kubelet.
   */
  readonly #marks = new LRUCache<string, CopyMark>({ max: maxMarks });
  readonly #meters: CopyMeters;
  #open = 0;

  constructor(options: CopyingExecOptions) {
    this.#options = options;
    this.#maxCopies = options.maxCopies ?? 32;
    this.#meters = declareCopyMeters(options.metrics);
  }

  async start(key: string, request: CommandRequest, options: CallOptions): Promise<CommandSession> {
    const { exec, registry } = this.#options;
    const command = parseCopyCommand(request.argv);
    const keepsFiles = registry.get(key)?.capabilities.includes("files") ?? false;
    if (!command || (command.kind === "test" && !keepsFiles)) return exec.start(key, request, options);
    if (!keepsFiles) {
      const line = `tar: device ${key} has no files: its firmware lacks the capability files`;
      return new LocalCommand((streams) => refuse(streams, line), request, options.signal);
    }
    return new LocalCommand(this.#programOf(key, command, options.caller), request, options.signal);
  }

  #programOf(key: string, command: CopyCommand, caller: string | undefined): LocalProgram {
    switch (command.kind) {
      case "test":
        return (streams) => this.#test(key, command.flag, command.path, streams);
      case "refused":
        return (streams) => refuse(streams, `tar: ${command.reason}`);
      case "create":
        return this.#counted("from", (streams) => this.#create(key, command, streams, caller));
      case "extract":
        return this.#counted("to", (streams) => this.#extract(key, command, streams, caller));
      default:
        return command satisfies never;
    }
  }

  /** @throws UnavailableError COPIES_BUSY at once if there are too many */
  #counted(direction: "from" | "to", copy: (streams: LocalStreams) => Promise<CopyEnd>): LocalProgram {
    if (this.#open >= this.#maxCopies) {
      this.#meters.copies.inc({ direction, outcome: "busy" });
      throw new UnavailableError("COPIES_BUSY", `${this.#open} copies are in progress, try again`);
    }
    // Taken here, not when the program begins: callers come faster than programs.
    this.#meters.open.set((this.#open += 1));
    return async (streams) => {
      let outcome = "failed";
      try {
        const end = await copy(streams);
        outcome = end.outcome;
        return end.exitCode;
      } catch (error) {
        outcome = streams.signal.aborted ? "cancelled" : "lost";
        throw error;
      } finally {
        this.#meters.open.set((this.#open -= 1));
        this.#meters.copies.inc({ direction, outcome });
      }
    };
  }

  async #test(key: string, flag: "d" | "e" | "f", name: string, { signal }: LocalStreams): Promise<number> {
    const resolved = resolveName("/", name);
    if ("refusal" in resolved) return 1;
    try {
      const { type } = await this.#options.files.stat(key, resolved.path, { signal });
      return flag === "e" || type === (flag === "d" ? "directory" : "file") ? 0 : 1;
    } catch (error) {
      if (error instanceof RequestError) return 1;
      throw error;
    }
  }

  async #create(
    key: string,
    command: Create,
    streams: LocalStreams,
    caller: string | undefined,
  ): Promise<CopyEnd> {
    const { print, complain, signal } = streams;
    const { members, skipBytes } = command;
    const copy = JSON.stringify([key, members]);
    const writer = new ArchiveWriter({
      files: this.#options.files,
      key,
      members,
      skipBytes: skipBytes ?? 0,
      mark: skipBytes ? this.#marks.get(copy) : undefined,
      call: { signal, ...(caller === undefined ? {} : { caller }) },
      complain,
      named: async (name) => (command.verbose ? complain(name) : undefined),
    });
    try {
      for await (const bytes of writer.bytes()) {
        await print(bytes);
        this.#meters.bytes.inc({ direction: "from" }, bytes.length);
      }
      this.#marks.delete(copy);
      return endOf(writer.exitCode);
    } catch (error) {
      if (fileErrorCode(error) === "FILE_CHANGED") {
        await complain((error as RequestError).message);
        return endOf(2);
      }
      if (skipBytes === undefined || !(error instanceof UnavailableError) || signal.aborted) throw error;
      this.#marks.set(copy, writer.mark);
      await complain(`tar: ${error.message}`);
      await this.#waitForReturn(key, signal, error);
      // In a shell the pipe's code is tail's, and kubectl resumes only where that is 0.
      return { exitCode: 0, outcome: "interrupted" };
    }
  }

  /** Waits for the device, because kubectl resumes at once, and gives up if the device is still offline. */
  async #waitForReturn(key: string, signal: AbortSignal, lost: UnavailableError): Promise<void> {
    const { clock, files } = this.#options;
    const deadlineMs = clock.monotonicMs() + returnWaitMs;
    while (clock.monotonicMs() < deadlineMs) {
      await delay(clock, returnPollMs, signal);
      const found = await files.stat(key, "/", { signal }).catch((error: unknown) => error);
      if (!(found instanceof UnavailableError)) return;
    }
    throw lost;
  }

  async #extract(
    key: string,
    command: Extraction,
    streams: LocalStreams,
    caller: string | undefined,
  ): Promise<CopyEnd> {
    const { input, print, complain, signal } = streams;
    const { directory, keepModes, verbose } = command;
    const exitCode = await extractArchive({
      files: this.#options.files,
      key,
      input,
      directory,
      keepModes,
      call: { signal, ...(caller === undefined ? {} : { caller }) },
      complain,
      named: async (name) => (verbose ? print(Buffer.from(`${name}\n`)) : undefined),
      moved: (bytes) => this.#meters.bytes.inc({ direction: "to" }, bytes),
    });
    return endOf(exitCode);
  }
}

function endOf(exitCode: number): CopyEnd {
  return { exitCode, outcome: exitCode === 0 ? "done" : "failed" };
}

async function refuse({ complain }: LocalStreams, line: string): Promise<number> {
  await complain(line);
  return 2;
}

type CopyMeters = ReturnType<typeof declareCopyMeters>;

function declareCopyMeters(metrics: Metrics) {
  return {
    open: metrics.gauge("motelet_copies_open", "Copies of files in progress."),
    copies: metrics.counter("motelet_copies_total", "Copies of files, by direction and how they ended.", [
      "direction",
      "outcome",
    ]),
    bytes: metrics.counter("motelet_copy_bytes_total", "Bytes of archives and files that were copied.", [
      "direction",
    ]),
  };
}
