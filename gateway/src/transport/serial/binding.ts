import { execFile } from "node:child_process";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import { SerialPortStream } from "@serialport/stream";
import { onAbort } from "../../foundation/abort.ts";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { messageOf, UnavailableError } from "../../foundation/errors.ts";
import type { Line, LineEvents } from "./line.ts";
import type { PortSelector } from "./port-selector.ts";
import { ttyBinding } from "./tty-binding.ts";

const runProgram = promisify(execFile);

/** Speed of ttys; a pty takes any. */
const baudRate = 115_200;

/** Time for queued bytes to leave when a line is closed in order, milliseconds. */
const lingerMs = 200;

/**
 * Opens the line that a selector names. Nothing is read before `listen`.
 * @throws UnavailableError PORT_UNAVAILABLE if the port does not exist or nothing listens there, also after `signal`
 */
export async function openLine(
  selector: PortSelector,
  options: { clock: Clock; signal: AbortSignal },
): Promise<Line> {
  const { clock, signal } = options;
  try {
    switch (selector.kind) {
      case "unix":
        return new StreamLine(await connected({ path: selector.path }, signal), clock);
      case "tcp":
        return new StreamLine(await connected({ host: selector.host, port: selector.port }, signal), clock);
      case "pty":
        return new StreamLine(await openTty(selector.path), clock);
      case "tty": {
        const stream = await openTty(selector.path);
        await keepLinesUpOnClose(selector.path);
        return new StreamLine(stream, clock);
      }
    }
  } catch (cause) {
    throw new UnavailableError("PORT_UNAVAILABLE", messageOf(cause), { cause });
  }
}

async function connected(address: NetConnectOpts, signal: AbortSignal): Promise<Duplex> {
  const socket: Socket = connect({ ...address, noDelay: true, keepAlive: true });
  const abort = () => socket.destroy(new Error("no connection in time"));
  using _aborting = onAbort(signal, abort);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

async function openTty(path: string): Promise<Duplex> {
  const stream = new SerialPortStream({ binding: ttyBinding, path, baudRate, autoOpen: false });
  await new Promise<void>((resolve, reject) => stream.open((error) => (error ? reject(error) : resolve())));
  return stream;
}

/**
 * Hang-up-on-close drops DTR, which resets many boards when the gateway restarts. The native part of serialport can
 * switch it on but never off, so that is left to stty(1); where that is missing the board merely resets.
 */
async function keepLinesUpOnClose(path: string): Promise<void> {
  const fileFlag = process.platform === "darwin" ? "-f" : "-F";
  await runProgram("stty", [fileFlag, path, "-hupcl"], { timeout: 1_000 }).catch(() => undefined);
}

/** A line over a socket or over serialport's stream, which needs its own `close` and reports its end only by "close". */
class StreamLine implements Line {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  #events: LineEvents | undefined;
  #reason: string | undefined;
  #closed = false;
  #linger: Timer | undefined;

  constructor(stream: Duplex, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    stream.on("error", (error) => this.#cut(error.message));
    stream.once("close", (error?: unknown) => this.#gone(error));
    // The other side says nothing more: a board has no half-open lines.
    stream.once("end", () => this.#cut("closed by the other side"));
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  listen(events: LineEvents): void {
    this.#events = events;
    if (this.#closed) events.closed(this.#reason ?? "closed");
    this.#stream.on("data", (bytes: Uint8Array) => {
      if (!this.#closed) events.data(bytes);
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#linger && this.#stream.writable) this.#stream.write(bytes);
  }

  close(): void {
    if (this.#linger || this.#closed) return;
    this.#linger = this.#clock.after(lingerMs, () => this.#cut("closed by the gateway"));
    this.#stream.end(() => this.#cut("closed by the gateway"));
  }

  /** Closes now; what is still queued is lost. */
  #cut(reason: string): void {
    this.#reason ??= reason;
    if (!(this.#stream instanceof SerialPortStream)) this.#stream.destroy();
    // If it is closing already, the callback gets an error, and its "close" follows.
    else if (this.#stream.isOpen) this.#stream.close(() => {});
  }

  #gone(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#linger?.cancel();
    this.#reason ??= error instanceof Error ? error.message : "closed by the other side";
    this.#events?.closed(this.#reason);
  }
}
