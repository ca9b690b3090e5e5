import { builtins, commandV, keywords } from "./builtins.ts";
import { openConsole, runOnDevice } from "./device-command.ts";
import { parseScript } from "./parse-script.ts";
import type { Redirection, ScriptRefusal, ShellCommand, ShellList, SimpleCommand } from "./script.ts";
import { isShell, parseShellCall, type ShellCall } from "./shell-call.ts";
import { type Descriptors, ended, type Outcome, type ShellHost, writeLine } from "./shell-host.ts";
import { stdinOwners } from "./stdin-owners.ts";

/** Maximum nesting of shells: `sh -c "sh -c …"`. */
export const maxShellDepth = 8;
/** Maximum bytes of stdin that are kept for an incomplete command. */
export const maxCommandBytes = 32_768;

/** Runs scripts for one caller, one command at a time. */
export class ScriptRunner {
  readonly #host: ShellHost;
  #stopsOnFailure = false;
  #depth = 0;
  /** Whether anything was refused, for those who count. */
  hasRefused = false;

  constructor(host: ShellHost) {
    this.#host = host;
  }

  /** The initial targets of the streams: those that the caller requested. */
  get descriptors(): Descriptors {
    const { tty, stdin, stdout, stderr } = this.#host.request;
    const out = stdout ? "out" : "null";
    return { reads: stdin, out, err: tty ? out : stderr ? "err" : "null" };
  }

  /** Runs the shell that was called. */
  async call(call: ShellCall, descriptors: Descriptors): Promise<Outcome> {
    if (this.#depth >= maxShellDepth)
      return this.#refuse(`shells are nested deeper than ${maxShellDepth}`, descriptors);
    this.#depth += 1;
    const stoppedOnFailure = this.#stopsOnFailure;
    try {
      switch (call.kind) {
        case "refused":
          return await this.#refuse(call.reason, descriptors);
        case "open":
          return await this.#open(descriptors);
        case "script":
          this.#stopsOnFailure = call.stopsOnFailure;
          return await this.#script(call.text, descriptors);
        default:
          return call satisfies never;
      }
    } finally {
      this.#stopsOnFailure = stoppedOnFailure;
      this.#depth -= 1;
    }
  }

  async #script(text: string, descriptors: Descriptors): Promise<Outcome> {
    const parsed = parseScript(text);
    if ("refusal" in parsed) return this.#refuseScript(parsed.refusal, descriptors);
    const owners = descriptors.reads ? stdinOwners(parsed.list, couldRead) : new Set<SimpleCommand>();
    return this.#list(parsed.list, descriptors, owners);
  }

  /** Opens the device's console if the caller has a terminal; otherwise reads the script from stdin. */
  async #open(descriptors: Descriptors): Promise<Outcome> {
    const { request, capabilities, key } = this.#host;
    if (!descriptors.reads) return ended(0);
    if (!request.tty || descriptors.out !== "out") return this.#lines(descriptors);
    if (capabilities.includes("console")) return openConsole(this.#host);
    const line = `sh: device ${key} has no shell for a terminal: its firmware lacks the capability console`;
    await writeLine(this.#host, descriptors.err, line);
    return ended(126);
  }

  /** Runs each command as soon as it is complete. The commands' own stdin is empty. */
  async #lines(descriptors: Descriptors): Promise<Outcome> {
    const decoder = new TextDecoder();
    const inner = { ...descriptors, reads: false };
    let [waiting, firstLine, outcome] = ["", 1, ended(0)];
    /** @returns whether the shell goes on */
    const take = async (text: string, isLast: boolean): Promise<boolean> => {
      waiting += text;
      const parsed = parseScript(waiting);
      if ("refusal" in parsed) {
        const { refusal } = parsed;
        const isLong = Buffer.byteLength(waiting) > maxCommandBytes;
        if (refusal.isIncomplete && !isLast && !isLong) return true;
        const reason = isLong ? `a command is longer than ${maxCommandBytes} bytes` : refusal.reason;
        outcome = await this.#refuseScript({ ...refusal, reason, line: refusal.line + firstLine - 1 }, inner);
        return false;
      }
      firstLine += waiting.split("\n").length - 1;
      waiting = "";
      if (parsed.list.length > 0) outcome = await this.#list(parsed.list, inner, new Set());
      return !outcome.ends;
    };
    let rest = "";
    for (;;) {
      const bytes = await this.#host.input.read();
      const lines = (rest + decoder.decode(bytes, { stream: bytes !== undefined })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (!(await take(`${line}\n`, false))) return outcome;
      if (bytes === undefined) {
        if (rest !== "" || waiting !== "") await take(rest, true);
        return outcome;
      }
      if (Buffer.byteLength(rest) > maxCommandBytes)
        return this.#refuseScript(
          {
            reason: `a command is longer than ${maxCommandBytes} bytes`,
            line: firstLine,
            isIncomplete: false,
          },
          inner,
        );
    }
  }

  async #list(
    list: ShellList,
    descriptors: Descriptors,
    owners: ReadonlySet<SimpleCommand>,
  ): Promise<Outcome> {
    let outcome = ended(0);
    for (const chain of list) {
      let isLast = false;
      let isNegated = false;
      for (const [index, link] of chain.entries()) {
        const isDue = link.when === "always" || (link.when === "success") === (outcome.code === 0);
        isLast = isDue && index === chain.length - 1;
        if (!isDue) continue;
        outcome = await this.#command(link.command, descriptors, owners);
        if (outcome.ends) return outcome;
        isNegated = link.isNegated;
        if (isNegated) outcome = ended(outcome.code === 0 ? 1 : 0);
      }
      if (this.#stopsOnFailure && outcome.code !== 0 && isLast && !isNegated)
        return { ...outcome, ends: true };
    }
    return outcome;
  }

  async #command(
    command: ShellCommand,
    descriptors: Descriptors,
    owners: ReadonlySet<SimpleCommand>,
  ): Promise<Outcome> {
    const redirected = redirect(descriptors, command.redirections);
    if (command.kind === "group") {
      const outcome = await this.#list(command.list, redirected, owners);
      // What ends a subshell ends it alone, unless the device is gone.
      return command.isSubshell && !outcome.exit ? { ...outcome, ends: false } : outcome;
    }
    const own = { ...redirected, reads: redirected.reads && owners.has(command) };
    return this.#simple(command.words, own);
  }

  async #simple(words: readonly string[], descriptors: Descriptors): Promise<Outcome> {
    const [name, ...rest] = words;
    switch (name) {
      case undefined:
        return ended(0);
      case "exec":
        if (rest.length === 0) return this.#refuse("exec without a command is not supported", descriptors);
        return { ...(await this.#simple(rest, descriptors)), ends: true };
      case "exit":
        return this.#exit(rest, descriptors);
      case "command":
        return this.#commandWord(rest, descriptors);
      default:
        break;
    }
    if (name === "set" && rest.length > 0 && rest.every((word) => /^[-+][eu]+$/.test(word))) {
      for (const word of rest) if (word.includes("e")) this.#stopsOnFailure = word.startsWith("-");
      return ended(0);
    }
    const call = parseShellCall(words);
    if (call) return asSubshell(await this.call(call, descriptors));
    const builtin = builtins.get(name);
    if (builtin) return ended(await builtin(words, this.#host, descriptors));
    return runOnDevice(this.#host, words, descriptors);
  }

  async #exit([code = "0", ...more]: readonly string[], descriptors: Descriptors): Promise<Outcome> {
    if (more.length === 0 && /^\d{1,9}$/.test(code)) return { code: Number(code) % 256, ends: true };
    await writeLine(
      this.#host,
      descriptors.err,
      `sh: exit: expected a number, got ${[code, ...more].join(" ")}`,
    );
    return { code: 2, ends: true };
  }

  async #commandWord(rest: readonly string[], descriptors: Descriptors): Promise<Outcome> {
    if (rest[0] === "-v") return ended(await commandV(rest.slice(1), this.#host, descriptors));
    const [first] = rest;
    if (first?.startsWith("-"))
      return this.#refuse(`command ${first} is not supported: only command -v is`, descriptors);
    return this.#simple(rest, descriptors);
  }

  #refuseScript({ reason, line }: ScriptRefusal, descriptors: Descriptors): Promise<Outcome> {
    return this.#refuse(`line ${line}: ${reason}`, descriptors);
  }

  async #refuse(reason: string, { err }: Descriptors): Promise<Outcome> {
    this.hasRefused = true;
    await writeLine(this.#host, err, `sh: ${reason}`);
    return { code: 2, ends: true };
  }
}

/** Whether a command could read stdin: what the shell does itself never does. */
function couldRead(words: readonly string[]): boolean {
  const [name = "", ...rest] = words;
  if (name === "exec" || (name === "command" && !rest[0]?.startsWith("-"))) return couldRead(rest);
  return name !== "" && !keywords.has(name) && (isShell(name) || !builtins.has(name));
}

function redirect(descriptors: Descriptors, redirections: readonly Redirection[]): Descriptors {
  let { reads, out, err } = descriptors;
  for (const { descriptor, to } of redirections) {
    const target = to === "null" ? "null" : to === 1 ? out : err;
    if (descriptor === 0) reads = false;
    else if (descriptor === 1) out = target;
    else err = target;
  }
  return { reads, out, err };
}

const asSubshell = (outcome: Outcome): Outcome => (outcome.exit ? outcome : { ...outcome, ends: false });
