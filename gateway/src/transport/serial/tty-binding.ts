import { read as readFd, write as writeFd } from "node:fs";
import { promisify } from "node:util";
import { SerialPort } from "serialport";

const readAsync = promisify(readFd);
const writeAsync = promisify(writeFd);

type NativeBinding = typeof SerialPort.binding;
type NativePort = Awaited<ReturnType<NativeBinding["open"]>>;
/** What serialport's ports have on Linux and macOS: the file descriptor and what waits for it. */
type PollablePort = Extract<NativePort, { readonly poller: unknown }>;

/** Options of a port; the rest of the line's settings is fixed to 8 data bits, no parity, 1 stop bit. */
export interface TtyOptions {
  readonly path: string;
  readonly baudRate: number;
}

/** An error as serialport's stream wants it: `canceled` means that we closed the port ourselves. */
class TtyError extends Error {
  readonly canceled: boolean;

  constructor(message: string, canceled: boolean) {
    super(message);
    this.canceled = canceled;
  }
}

/**
 * A tty or pty opened through serialport's native part, with read and write loops of our own. serialport's do not do:
 * reading, it takes the 0 bytes of a hung-up line as a reason to read again, indefinitely, so that a board that dies while
 * it sends is not noticed and costs a core; and while it waits to write it does not wait to read, so that two sides
 * that both have much to say stop for good. Hence a hang-up is an error here, and each direction has a descriptor.
 */
class TtyPort {
  readonly openOptions;
  readonly #reader: PollablePort;
  readonly #writer: PollablePort;
  readonly #busy = new Set<Promise<unknown>>();
  #closing = false;

  constructor(reader: PollablePort, writer: PollablePort) {
    this.openOptions = reader.openOptions;
    this.#reader = reader;
    this.#writer = writer;
  }

  get isOpen(): boolean {
    return !this.#closing;
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    for (;;) {
      const done = await this.#attempt(this.#reader, (fd) => readAsync(fd, buffer, offset, length, null));
      if (!done) await this.#ready(this.#reader, "readable");
      else if (done.bytesRead > 0) return { buffer, bytesRead: done.bytesRead };
      else throw new TtyError("the line hung up", false);
    }
  }

  async write(buffer: Buffer): Promise<void> {
    let from = 0;
    while (from < buffer.length) {
      const done = await this.#attempt(this.#writer, (fd) => writeAsync(fd, buffer, from));
      if (done) from += done.bytesWritten;
      else await this.#ready(this.#writer, "writable");
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#reader.poller.stop();
    this.#writer.poller.stop();
    // A call still in the thread pool would otherwise hit whatever file gets the descriptor's number next.
    await Promise.allSettled(this.#busy);
    await Promise.allSettled([this.#reader.close(), this.#writer.close()]);
  }

  async update(): Promise<void> {}
  async set(): Promise<void> {}
  async flush(): Promise<void> {}
  async drain(): Promise<void> {}

  async get(): Promise<{ cts: boolean; dsr: boolean; dcd: boolean }> {
    return { cts: false, dsr: false, dcd: false };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    return { baudRate: this.openOptions.baudRate };
  }

  /** @returns undefined if the descriptor is not ready */
  async #attempt<T>(port: PollablePort, call: (fd: number) => Promise<T>): Promise<T | undefined> {
    if (this.#closing || port.fd === null) throw new TtyError("the port is closed", true);
    const pending = call(port.fd);
    this.#busy.add(pending);
    try {
      return await pending;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN" || code === "EINTR") return undefined;
      throw error;
    } finally {
      this.#busy.delete(pending);
    }
  }

  #ready(port: PollablePort, event: "readable" | "writable"): Promise<void> {
    if (this.#closing) throw new TtyError("the port is closed", true);
    return new Promise((resolve, reject) => {
      port.poller.once(event, (error: Error | null) => (error ? reject(error) : resolve()));
    });
  }
}

/** The binding interface that serialport's stream needs. */
export const ttyBinding = {
  list: () => Promise.resolve([]),

  /** @throws Error if the device is missing, locked by another process, or not a tty */
  async open(options: TtyOptions): Promise<TtyPort> {
    // CLOCAL and raw mode are set by the native part; so is hang-up-on-close, but only ever on: see binding.ts.
    const line = { path: options.path, baudRate: options.baudRate, hupcl: false } as const;
    const reader = pollable(await SerialPort.binding.open({ ...line, lock: true }));
    try {
      return new TtyPort(reader, pollable(await SerialPort.binding.open({ ...line, lock: false })));
    } catch (error) {
      await reader.close();
      throw error;
    }
  },
};

function pollable(port: NativePort): PollablePort {
  if ("poller" in port) return port;
  throw new TtyError("serial devices need Linux or macOS", false);
}
