import type { AttachVerb } from "../../src/devices/verbs/attach.ts";
import type { CommandExit, CommandSession } from "../../src/devices/verbs/command-session.ts";
import { Pipe } from "./fake-exec.ts";

/**
 * A device's console behind AttachVerb: it greets, gives back each line in capitals, and ends with its input or with
 * `quit`. Not done: log lines of others in between, a second client.
 */
export class FakeAttach implements AttachVerb {
  readonly requests: { readonly stdin: boolean; readonly stdout: boolean; readonly tty: boolean }[] = [];
  readonly sizes: string[] = [];
  open = 0;
  /** Whether the device is on an open serial line. */
  isOnLine = false;
  #lose: ((exit: CommandExit) => void) | undefined;

  hasLine(): boolean {
    return this.isOnLine;
  }

  async attach(
    _key: string,
    request: { stdin: boolean; stdout: boolean; tty: boolean },
  ): Promise<CommandSession> {
    this.requests.push(request);
    const [input, output] = [new Pipe(), new Pipe()];
    const ended = Promise.withResolvers<CommandExit>();
    this.#lose = ended.resolve;
    this.open += 1;
    void (async () => {
      await output.put(Buffer.from("console\n"));
      for await (const bytes of input.read()) {
        const line = Buffer.from(bytes).toString();
        if (line.startsWith("quit")) break;
        await output.put(Buffer.from(line.toUpperCase()));
      }
      ended.resolve({ status: 0, exitCode: 0 });
    })();
    void ended.promise.then(() => output.end());
    return {
      stdout: output.read(),
      stderr: (async function* () {})(),
      exit: ended.promise,
      write: (bytes) => input.put(bytes),
      endInput: async () => input.end(),
      resize: async (columns, rows) => void this.sizes.push(`${columns}x${rows}`),
      [Symbol.asyncDispose]: async () => {
        this.open -= 1;
        input.end();
        output.end();
      },
    };
  }

  lose(message: string): void {
    this.#lose?.({ status: 14, exitCode: 0, message });
  }
}
