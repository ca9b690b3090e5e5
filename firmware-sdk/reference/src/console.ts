import { type ShellCommand, type ShellProcess, startShellCommand } from "./shell.ts";

const longestLineBytes = 128;

/** The console of a serial line: each line of input is a command, its output is console text. Stdin is empty. */
export class ConsoleShell {
  readonly #print: (text: string) => void;
  readonly #host: Pick<ShellProcess, "uptimeMs" | "reboot" | "log">;
  readonly #commands: ReadonlyMap<string, ShellCommand> | undefined;
  #line = "";

  constructor(
    print: (text: string) => void,
    host: Pick<ShellProcess, "uptimeMs" | "reboot" | "log">,
    commands?: ReadonlyMap<string, ShellCommand>,
  ) {
    this.#print = print;
    this.#host = host;
    this.#commands = commands;
  }

  input(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0x0a || byte === 0x0d) this.#run();
      else if (byte >= 0x20 && byte < 0x7f && this.#line.length < longestLineBytes)
        this.#line += String.fromCharCode(byte);
    }
  }

  #run(): void {
    const argv = this.#line.split(" ").filter((word) => word !== "");
    this.#line = "";
    if (argv.length === 0) return;
    const print = (text: string) => this.#print(text.replaceAll("\n", "\r\n"));
    const host = this.#host;
    const process: ShellProcess = {
      room: longestLineBytes,
      write(bytes) {
        print(Buffer.from(bytes).toString("latin1"));
        return bytes.length;
      },
      print,
      printError: print,
      exit: () => {},
      get uptimeMs() {
        return host.uptimeMs;
      },
      reboot: () => host.reboot(),
      log: (text) => host.log(text),
    };
    startShellCommand(process, argv, this.#commands)?.end();
  }
}
