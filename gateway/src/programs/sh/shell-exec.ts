import type { Registry } from "../../devices/registry.ts";
import type { AttachVerb } from "../../devices/verbs/attach.ts";
import type { CallOptions } from "../../devices/verbs/call-options.ts";
import type { CommandExit, CommandRequest, CommandSession } from "../../devices/verbs/command-session.ts";
import type { ExecVerb } from "../../devices/verbs/exec.ts";
import type { FilesVerb } from "../../devices/verbs/files.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { LocalCommand, type LocalStreams } from "../local-command.ts";
import { parseCopyCommand } from "../tar/tar-command.ts";
import { ScriptRunner } from "./script-runner.ts";
import { SharedInput } from "./shared-input.ts";
import { parseShellCall, type ShellCall } from "./shell-call.ts";

export interface ShellExecOptions {
  /** Runs every command that is not a shell, and the commands of scripts. */
  readonly exec: ExecVerb;
  readonly attach: AttachVerb;
  readonly files: FilesVerb;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * Exec for tools that start with a shell: a device has no `sh`, so the gateway emulates it. On a terminal it opens the
 * device's console. With `-c` or commands on stdin it runs lists of commands, each of them over exec.
 */
export function shellExec(options: ShellExecOptions): ExecVerb {
  return new ShellExec(options);
}

class ShellExec implements ExecVerb {
  readonly #options: ShellExecOptions;
  readonly #meters: ShellMeters;
  #open = 0;

  constructor(options: ShellExecOptions) {
    this.#options = options;
    this.#meters = declareShellMeters(options.metrics);
  }

  async start(key: string, request: CommandRequest, options: CallOptions): Promise<CommandSession> {
    const capabilities = this.#options.registry.get(key)?.capabilities ?? [];
    const hasShell = capabilities.includes("exec") || capabilities.includes("console");
    // kubectl's `sh -c "tar … | tail …"` is a copy, whose pipe is done where copies are.
    const call = hasShell && !parseCopyCommand(request.argv) ? parseShellCall(request.argv) : undefined;
    if (!call) return this.#options.exec.start(key, request, options);
    const program = (streams: LocalStreams) =>
      this.#play(key, call, { request, options, streams, capabilities });
    return new LocalCommand(program, request, options.signal);
  }

  async #play(
    key: string,
    call: ShellCall,
    caller: {
      readonly request: CommandRequest;
      readonly options: CallOptions;
      readonly streams: LocalStreams;
      readonly capabilities: readonly string[];
    },
  ): Promise<number | CommandExit> {
    const { exec, attach, files, clock } = this.#options;
    const { request, options, streams, capabilities } = caller;
    const runner = new ScriptRunner({
      key,
      capabilities,
      exec,
      attach,
      files,
      clock,
      call: { ...options, signal: streams.signal },
      request,
      streams,
      input: new SharedInput(streams.input),
    });
    const kind = call.kind === "script" ? "script" : request.tty ? "terminal" : "input";
    this.#meters.open.set((this.#open += 1));
    let outcome = "lost";
    try {
      const { code, exit } = await runner.call(call, runner.descriptors);
      if (exit) return exit;
      outcome = runner.hasRefused ? "refused" : code === 0 ? "done" : "failed";
      return code;
    } catch (error) {
      if (streams.signal.aborted) outcome = "cancelled";
      throw error;
    } finally {
      this.#meters.open.set((this.#open -= 1));
      this.#meters.shells.inc({ kind, outcome });
    }
  }
}

type ShellMeters = ReturnType<typeof declareShellMeters>;

function declareShellMeters(metrics: Metrics) {
  return {
    open: metrics.gauge("motelet_shells_open", "Shells that the gateway emulates now."),
    shells: metrics.counter(
      "motelet_shells_total",
      "Shells that the gateway emulated, by kind and outcome.",
      ["kind", "outcome"],
    ),
  };
}
