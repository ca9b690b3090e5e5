import type { CommandExit } from "../../src/devices/verbs/command-session.ts";
import type { Conversation, DialVerb } from "../../src/devices/verbs/dial.ts";
import { RequestError, UnavailableError } from "../../src/foundation/errors.ts";
import { Pipe } from "./fake-exec.ts";

interface Service {
  readonly input: Pipe;
  readonly output: Pipe;
  readonly signal: AbortSignal;
}

/** Services of the fake device, by port. Each gives how the connection ended. */
const services: Readonly<Record<number, (service: Service) => Promise<CommandExit>>> = {
  /** Gives back what comes; ends with its input. */
  async 7({ input, output }) {
    for await (const bytes of input.read()) await output.put(Uint8Array.from(bytes));
    return { status: 0, exitCode: 0 };
  },
  /** Takes everything, then says how much it was. */
  async 9({ input, output }) {
    let total = 0;
    for await (const bytes of input.read()) total += bytes.length;
    await output.put(Buffer.from(`${total}\n`));
    return { status: 0, exitCode: 0 };
  },
  /** Says something at once and ends. */
  async 13({ output }) {
    await output.put(Buffer.from("2026-11-21\n"));
    return { status: 0, exitCode: 0 };
  },
  /** Sends for as long as somebody takes it. */
  async 19({ output, signal }) {
    const block = new Uint8Array(65_536);
    while (!signal.aborted) await output.put(block);
    return { status: 1, exitCode: 0, message: "cancelled" };
  },
  /** Takes nothing and says nothing. */
  async 22({ signal }) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    return { status: 1, exitCode: 0, message: "cancelled" };
  },
};

/**
 * A device's services behind DialVerb: ports 7, 9, 13, 19 (RFC 862 to 867) and 22. Not done: windows in bytes (one chunk
 * at a time is in flight), a lossy line.
 */
export class FakeDial implements DialVerb {
  /** Connections that the device takes at a time. */
  room = 64;
  open = 0;
  dialled = 0;
  /** Bytes that the services have taken from their clients. */
  takenBytes = 0;
  readonly #ended = new Set<(exit: CommandExit) => void>();

  async dial(key: string, port: number): Promise<Conversation> {
    this.dialled += 1;
    const service = services[port];
    if (!service) throw new RequestError("DIAL_NOT_FOUND", `device ${key} has no service on port ${port}`);
    if (this.open >= this.room)
      throw new UnavailableError("STREAMS_EXHAUSTED", `device ${key} has all of its streams in use`);
    const [input, output] = [new Pipe(), new Pipe()];
    const stop = new AbortController();
    const ended = Promise.withResolvers<CommandExit>();
    this.open += 1;
    this.#ended.add(ended.resolve);
    void service({ input, output, signal: stop.signal }).then(ended.resolve);
    void ended.promise.then(() => {
      this.#ended.delete(ended.resolve);
      output.end();
    });
    return {
      output: output.read(),
      ended: ended.promise,
      write: async (bytes) => {
        await input.put(bytes);
        this.takenBytes += bytes.length;
      },
      endInput: async () => input.end(),
      [Symbol.asyncDispose]: async () => {
        this.open -= 1;
        stop.abort();
        input.end();
        output.end();
      },
    };
  }

  /** The device dies: every connection ends with that. */
  lose(message: string): void {
    for (const end of [...this.#ended]) end({ status: 14, exitCode: 0, message });
  }
}
