/** What a command of the shell sees of the world: its output, its end, and a little of the device. */
export interface ShellProcess {
  /** Bytes that `write` would take now. */
  readonly room: number;
  /** Takes as many bytes of output as there is room for. */
  write(bytes: Uint8Array): number;
  print(text: string): void;
  printError(text: string): void;
  /** Ends the command; output that was taken still goes out. */
  exit(code: number): void;
  readonly uptimeMs: number;
  /** Asks for a reboot once the output is out. */
  reboot(): void;
  /** Records a line in the device's log. */
  log(text: string): void;
}

/** A command that reads stdin. It takes from each message what it can; the rest comes again. */
export interface StdinReader {
  /** Bytes that `take` can take now. */
  readonly room: number;
  /** Takes all of the bytes, at most `room`. */
  take(bytes: Uint8Array): void;
  end(): void;
}

/** Starts; returns a reader where the command wants stdin. Must call `exit`, at once or later. */
export type ShellCommand = (process: ShellProcess, args: readonly string[]) => StdinReader | undefined;

/** The shell that every device has: the same in C and here. */
export const shellCommands: ReadonlyMap<string, ShellCommand> = new Map<string, ShellCommand>([
  [
    "help",
    (process) => {
      process.print(`${[...shellCommands.keys()].join(" ")}\n`);
      process.exit(0);
      return undefined;
    },
  ],
  [
    "echo",
    (process, args) => {
      process.print(`${args.join(" ")}\n`);
      process.exit(0);
      return undefined;
    },
  ],
  [
    "uptime",
    (process) => {
      process.print(`up ${Math.floor(process.uptimeMs / 1000)} s\n`);
      process.exit(0);
      return undefined;
    },
  ],
  [
    "cat",
    (process) => ({
      get room() {
        return process.room;
      },
      take: (bytes) => void process.write(bytes),
      end: () => process.exit(0),
    }),
  ],
  [
    "log",
    (process, args) => {
      process.log(args.join(" "));
      process.exit(0);
      return undefined;
    },
  ],
  [
    "exit",
    (process, [code = "0"]) => {
      const number = Number.parseInt(code, 10);
      process.exit(Number.isNaN(number) ? 2 : number & 0xff);
      return undefined;
    },
  ],
  [
    "reboot",
    (process) => {
      process.exit(0);
      process.reboot();
      return undefined;
    },
  ],
]);

/** Runs argv. An unknown command starts too: it says so on stderr and exits 127 (SPEC §6.3). */
export function startShellCommand(
  process: ShellProcess,
  argv: readonly string[],
  commands: ReadonlyMap<string, ShellCommand> = shellCommands,
): StdinReader | undefined {
  const [name = "", ...args] = argv;
  const command = commands.get(name);
  if (command) return command(process, args);
  process.printError(`${name}: not found\n`);
  process.exit(127);
  return undefined;
}
