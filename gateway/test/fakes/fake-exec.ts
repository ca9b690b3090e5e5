import type { CommandExit, CommandRequest, CommandSession } from "../../src/devices/verbs/command-session.ts";
import type { ExecVerb } from "../../src/devices/verbs/exec.ts";
import { RequestError } from "../../src/foundation/errors.ts";

/** Bytes on their way between two sides, one chunk at a time: `put` resolves when the reader has come for it. */
export class Pipe {
  #waiting: { readonly bytes: Uint8Array; readonly taken: () => void }[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  put(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, taken: resolve });
    this.#wake?.();
    return promise;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next.bytes;
        next.taken();
      } else if (this.#ended) return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}

/** What a command of the fake device sees. */
interface Running {
  readonly request: CommandRequest;
  readonly input: Pipe;
  readonly output: Pipe;
  readonly errors: Pipe;
  /** One chunk a resize, `80x24`. */
  readonly sizes: Pipe;
  readonly signal: AbortSignal;
}

type FakeCommand = (running: Running) => Promise<CommandExit | number>;

const text = (value: string) => Buffer.from(value);

/** Commands of the fake device's shell, by argv[0]. */
const fakeCommands: Readonly<Record<string, FakeCommand>> = {
  async echo({ request, output }) {
    await output.put(text(`${request.argv.slice(1).join(" ")}\n`));
    return 0;
  },
  async exit({ request }) {
    return Number(request.argv[1]);
  },
  async cat({ input, output }) {
    for await (const bytes of input.read()) await output.put(bytes);
    return 0;
  },
  async count({ input, output }) {
    let total = 0;
    for await (const bytes of input.read()) total += bytes.length;
    await output.put(text(`${total}\n`));
    return 0;
  },
  async warn({ request, output, errors }) {
    await output.put(text("to stdout\n"));
    await errors.put(text(`${request.argv[1] ?? "to stderr"}\n`));
    return 3;
  },
  async zeros({ request, output }) {
    const block = new Uint8Array(65_536);
    for (let left = Number(request.argv[1]); left > 0; left -= block.length)
      await output.put(block.subarray(0, Math.min(left, block.length)));
    return 0;
  },
  async hang({ output, signal }) {
    await output.put(text("hanging\n"));
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    return { status: 1, exitCode: 0, message: "cancelled" };
  },
  async size({ sizes, output }) {
    let left = 2;
    for await (const size of sizes.read()) {
      await output.put(size);
      if (--left === 0) break;
    }
    return 0;
  },
  async help({ output }) {
    await output.put(text("help             this\ncat [PATH…]      files\n"));
    return 0;
  },
  async lost() {
    return { status: 14, exitCode: 0, message: "device default/lamp went offline" };
  },
};

/**
 * A device's shell behind ExecVerb. Not done: windows in bytes (one chunk at a time is in flight), a lossy line,
 * devices that stop answering other than by `hang`.
 */
export class FakeExec implements ExecVerb {
  readonly started: { readonly key: string; readonly request: CommandRequest }[] = [];
  open = 0;
  readonly #losses = new Set<(exit: CommandExit) => void>();

  /** The device dies: every command ends with that. */
  lose(message: string): void {
    for (const lose of [...this.#losses]) lose({ status: 14, exitCode: 0, message });
  }

  async start(key: string, request: CommandRequest): Promise<CommandSession> {
    this.started.push({ key, request });
    const command = fakeCommands[request.argv[0] ?? ""];
    if (!command) throw new RequestError("COMMAND_UNKNOWN", `no command ${JSON.stringify(request.argv[0])}`);
    const [input, output, errors, sizes] = [new Pipe(), new Pipe(), new Pipe(), new Pipe()];
    if (!request.stdin) input.end();
    const stop = new AbortController();
    this.open += 1;
    const running = command({ request, input, output, errors, sizes, signal: stop.signal });
    const lost = Promise.withResolvers<CommandExit>();
    this.#losses.add(lost.resolve);
    const exit = Promise.race([running, lost.promise]).then((ended): CommandExit => {
      this.#losses.delete(lost.resolve);
      output.end();
      errors.end();
      return typeof ended === "number" ? { status: 0, exitCode: ended } : ended;
    });
    return {
      stdout: output.read(),
      stderr: errors.read(),
      exit,
      write: (bytes) => input.put(bytes),
      endInput: async () => input.end(),
      resize: (columns, rows) => sizes.put(text(`${columns}x${rows} `)),
      [Symbol.asyncDispose]: async () => {
        this.open -= 1;
        this.#losses.delete(lost.resolve);
        stop.abort();
        input.end();
        sizes.end();
      },
    };
  }
}
