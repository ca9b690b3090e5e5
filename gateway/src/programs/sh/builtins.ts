import { delay } from "../../foundation/delay.ts";
import { RequestError } from "../../foundation/errors.ts";
import { resolveName } from "../member-path.ts";
import { type PathFlag, runTest } from "./conditional-expression.ts";
import { hasCommandNamed } from "./device-command.ts";
import { isShell } from "./shell-call.ts";
import { type Descriptors, type ShellHost, writeLine, writeTo } from "./shell-host.ts";

/** A command that the shell does itself. @returns its exit code */
type Builtin = (words: readonly string[], host: ShellHost, descriptors: Descriptors) => Promise<number>;

const longestSleepS = 86_400;

/** Commands that need nothing from a device, or that devices do not have. None of them reads stdin. */
export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [":", async () => 0],
  ["true", async () => 0],
  ["false", async () => 1],
  ["export", async () => 0],
  ["unset", async () => 0],
  ["echo", echo],
  ["cd", changeDirectory],
  ["pwd", async (_words, host, { out }) => done(writeLine(host, out, "/"))],
  ["clear", async (_words, host, { out }) => done(writeTo(host, out, Buffer.from("\u001b[H\u001b[2J")))],
  ["sleep", sleep],
  ["test", (words, host, descriptors) => test("test", words.slice(1), host, descriptors)],
  ["[", bracket],
  [
    "which",
    (words, host, { out }) => find(words.slice(1), host, (_name, path) => writeLine(host, out, path)),
  ],
]);

/** Words that the runner handles itself. */
export const keywords: ReadonlySet<string> = new Set(["exec", "exit", "command"]);

/**
 * `command -v`: prints what each of the names refers to.
 * @returns 0 if all are known
 */
export function commandV(names: readonly string[], host: ShellHost, { out }: Descriptors): Promise<number> {
  return find(names, host, (name) => writeLine(host, out, name));
}

async function find(
  names: readonly string[],
  host: ShellHost,
  show: (name: string, path: string) => Promise<void>,
): Promise<number> {
  let code = names.length === 0 ? 1 : 0;
  for (const name of names) {
    const isOurs = isShell(name) || builtins.has(name) || keywords.has(name);
    if (isOurs || (await isOnDevice(host, name)))
      await show(name, isShell(name) && !name.includes("/") ? `/bin/${name}` : name);
    else code = 1;
  }
  return code;
}

async function isOnDevice(host: ShellHost, name: string): Promise<boolean> {
  if (name.includes("/") || !host.capabilities.includes("exec")) return false;
  return hasCommandNamed(host, name);
}

async function echo(words: readonly string[], host: ShellHost, { out }: Descriptors): Promise<number> {
  const hasNoEnd = words[1] === "-n";
  const text = words.slice(hasNoEnd ? 2 : 1).join(" ");
  return done(hasNoEnd ? writeTo(host, out, Buffer.from(text)) : writeLine(host, out, text));
}

async function changeDirectory(
  words: readonly string[],
  host: ShellHost,
  { err }: Descriptors,
): Promise<number> {
  const directory = words[1] ?? "/";
  if (/^[/.]*$/.test(directory)) return 0;
  await writeLine(host, err, `sh: cd: ${directory}: a device has no directory to be in but /`);
  return 1;
}

async function sleep(words: readonly string[], host: ShellHost, { err }: Descriptors): Promise<number> {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(words[1] ?? "") ? Number(words[1]) : Number.NaN;
  if (words.length !== 2 || !(seconds <= longestSleepS)) {
    await writeLine(host, err, `sleep: usage: sleep N (seconds, at most ${longestSleepS})`);
    return 2;
  }
  if (seconds > 0) await delay(host.clock, seconds * 1000, host.streams.signal);
  return 0;
}

async function bracket(words: readonly string[], host: ShellHost, descriptors: Descriptors): Promise<number> {
  if (words.at(-1) === "]") return test("[", words.slice(1, -1), host, descriptors);
  await writeLine(host, descriptors.err, "sh: [: ] is missing");
  return 2;
}

async function test(
  name: string,
  words: readonly string[],
  host: ShellHost,
  { err }: Descriptors,
): Promise<number> {
  const result = await runTest(words, {
    path: (flag, path) => testPath(host, flag, path),
    isTerminal: host.request.tty,
  });
  if (typeof result === "boolean") return result ? 0 : 1;
  await writeLine(host, err, `sh: ${name}: ${result.refusal}`);
  return 2;
}

/** The shells that the gateway plays are there; all else is a matter of the device's files. */
async function testPath(host: ShellHost, flag: PathFlag, path: string): Promise<boolean> {
  if (path.startsWith("/") && isShell(path)) return "efrsx".includes(flag);
  const resolved = resolveName("/", path);
  if ("refusal" in resolved || path === "" || !host.capabilities.includes("files")) return false;
  try {
    const { type, mode, size } = await host.files.stat(host.key, resolved.path, host.call);
    switch (flag) {
      case "d":
        return type === "directory";
      case "f":
        return type === "file";
      case "s":
        return size > 0;
      case "x":
        return (mode & 0o111) !== 0;
      case "w":
        return (mode & 0o222) !== 0;
      case "r":
        return (mode & 0o444) !== 0;
      case "e":
        return true;
      default:
        return flag satisfies never;
    }
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}

async function done(writing: Promise<void>): Promise<number> {
  await writing;
  return 0;
}
