import type { ChildProcess } from "node:child_process";
import { unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { defaults, encodeFrame, FrameDecoder, limits } from "@motelet/profiles";
import { OptionError, UnavailableError } from "../errors.ts";
import type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";
import { openPty } from "./pty-bridge.ts";

/** Bytes that may wait for a slow reader before frames and text are dropped, as a UART would. */
const sendBufferBytes = 256 * 1024;

/** The device's end of an open line. */
interface Line {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * The serial binding (SPEC §4, §10.2) on a line that a gateway can open.
 *
 * - `unix:/path` listens on a socket like an emulated board does: a connection is a plugged cable, one at a time.
 * - `pty:/path` makes a pseudo terminal and links it at the path: a line that is always there, read or not.
 */
export class SerialLink implements DeviceLink {
  readonly carrier = "serial";
  readonly rtoMs = defaults.serialRtoMs;
  readonly traffic: LinkTraffic = { opens: 0, messagesOut: 0, messagesIn: 0, bytesOut: 0, bytesIn: 0 };
  readonly #kind: "unix" | "pty";
  readonly #path: string;
  readonly #decoder: FrameDecoder;
  #events: LinkEvents | undefined;
  #line: Line | undefined;
  #server: Server | undefined;
  #pty: ChildProcess | undefined;
  #silence: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @throws OptionError for an address of another form */
  constructor(address: string, options: { readonly maxMessageBytes?: number } = {}) {
    const match = /^(unix|pty):(.+)$/.exec(address);
    if (!match)
      throw new OptionError(
        "SERIAL_ADDRESS",
        `serial address "${address}": expected unix:/path or pty:/path`,
      );
    this.#kind = match[1] as "unix" | "pty";
    this.#path = match[2] as string;
    this.#decoder = new FrameDecoder({ maxMessageBytes: options.maxMessageBytes ?? limits.messageBytes });
  }

  /** @throws UnavailableError if it cannot listen on the path or cannot create the terminal */
  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    if (this.#kind === "pty") await this.#startPty();
    else await this.#startSocket();
  }

  /** Frames that were incomplete or had a wrong checksum. */
  get badFrames(): number {
    return this.#decoder.badFrames;
  }

  send(message: Uint8Array): boolean {
    if (!this.#write(encodeFrame(message))) return false;
    this.traffic.messagesOut++;
    return true;
  }

  print(text: string): void {
    this.#write(Buffer.from(text.replaceAll("\0", "")));
  }

  /** Does nothing: a reset of the device does not disconnect the cable. */
  reset(): void {}

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#silence);
    const { output } = this.#line ?? {};
    this.#line = undefined;
    if (output) await ended(output);
    if (this.#pty && this.#pty.exitCode === null) await exited(this.#pty);
    if (this.#server) await new Promise((resolve) => this.#server?.close(resolve));
  }

  #write(bytes: Uint8Array): boolean {
    const output = this.#line?.output;
    if (!output?.writable || output.writableLength > sendBufferBytes) return false;
    output.write(bytes);
    this.traffic.bytesOut += bytes.length;
    return true;
  }

  async #startPty(): Promise<void> {
    const pty = await openPty(this.#path);
    this.#pty = pty;
    if (pty.stdin && pty.stdout) this.#attach({ input: pty.stdout, output: pty.stdin });
    pty.once("exit", () => {
      this.#line = undefined;
      if (!this.#stopped) this.#events?.closed("the pseudo terminal is gone");
    });
  }

  async #startSocket(): Promise<void> {
    const server = createServer((socket) => this.#plug(socket));
    this.#server = server;
    try {
      await listen(server, this.#path);
    } catch (error) {
      if (!isCode(error, "EADDRINUSE") || (await answers(this.#path)))
        throw new UnavailableError("SERIAL_LISTEN", `cannot listen on ${this.#path}`, { cause: error });
      // What a killed process left behind: nobody listens there.
      await unlink(this.#path);
      await listen(server, this.#path);
    }
  }

  #plug(socket: Socket): void {
    socket.on("error", () => {});
    if (this.#line || this.#stopped) {
      socket.destroy();
      return;
    }
    socket.setNoDelay();
    this.#attach(socketLine(socket));
    socket.once("close", () => {
      this.#line = undefined;
      clearTimeout(this.#silence);
      if (!this.#stopped) this.#events?.closed("the line was closed");
    });
  }

  #attach(line: Line): void {
    this.#line = line;
    line.input.on("error", () => {});
    line.output.on("error", () => {});
    line.input.on("data", (bytes: Buffer) => this.#take(bytes));
    this.traffic.opens++;
    this.#events?.opened();
  }

  #take(bytes: Uint8Array): void {
    this.traffic.bytesIn += bytes.length;
    const items = this.#decoder.push(bytes, performance.now());
    this.#deliver(items);
    clearTimeout(this.#silence);
    if (!this.#decoder.pending) return;
    this.#silence = setTimeout(() => {
      this.#deliver(this.#decoder.expire(performance.now()));
    }, limits.segmentSilenceMs + 1);
  }

  #deliver(items: ReturnType<FrameDecoder["push"]>): void {
    for (const { kind, bytes } of items) {
      if (kind === "message") {
        this.traffic.messagesIn++;
        this.#events?.message(bytes);
      } else this.#events?.console(bytes);
    }
  }
}

const socketLine = (socket: Duplex): Line => ({ input: socket, output: socket });

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Whether somebody listens on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

/** Waits for the end of a process that got SIGTERM, or kills it after a second. */
function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill("SIGKILL"), 1_000);
    child.once("exit", () => {
      clearTimeout(force);
      resolve();
    });
  });
}

/** Ends a stream and waits until the peer has closed it too, or closes it by force after a second. */
function ended(output: Writable): Promise<void> {
  if (output.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => output.destroy(), 1_000);
    output.once("close", () => {
      clearTimeout(force);
      resolve();
    });
    output.end();
  });
}
