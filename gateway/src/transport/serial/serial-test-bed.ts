import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { until } from "@motelet/testing";
import { type Clock, systemClock } from "../../foundation/clock.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import type { Channel, ChannelEvents } from "../channel.ts";
import { SerialTransport } from "./serial-transport.ts";

/** One channel as the test sees it. */
export class OpenedChannel implements ChannelEvents {
  readonly channel: Channel;
  readonly messages: Uint8Array[] = [];
  text = "";
  closedFor: string | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  message(bytes: Uint8Array): void {
    this.messages.push(bytes);
  }

  console(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
  }

  closed(reason: string): void {
    if (this.closedFor !== undefined) throw new Error("closed twice");
    this.closedFor = reason;
  }
}

/** A started transport, with a folder for sockets. The directory is a list that the test changes. */
export class SerialTestBed implements AsyncDisposable {
  readonly metrics = new Metrics();
  readonly channels: OpenedChannel[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "serial-"));
  readonly #listeners = new Set<() => void>();
  readonly #transport: SerialTransport;
  #ports: string[] = [];
  #logText = "";

  /** @param allowed ports that the operator names; absent: any */
  constructor(allowed?: readonly string[], clock: Clock = systemClock) {
    const destination = new PassThrough();
    destination.on("data", (chunk) => {
      this.#logText += String(chunk);
    });
    this.#transport = new SerialTransport({
      wantedLinks: {
        ports: () => this.#ports.map((port) => ({ port, device: "default/lamp" })),
        onChanged: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      acceptor: {
        opened: (channel) => {
          this.channels.push(new OpenedChannel(channel));
          return this.channels.at(-1) as OpenedChannel;
        },
      },
      log: createLogger({ level: "info", destination }),
      metrics: this.metrics,
      clock,
      random: () => 0,
      ...(allowed ? { ports: allowed } : {}),
    });
  }

  static async start(...ports: string[]): Promise<SerialTestBed> {
    const bed = new SerialTestBed();
    bed.#ports = ports;
    await bed.#transport.start();
    return bed;
  }

  static async startOn(clock: Clock): Promise<SerialTestBed> {
    const bed = new SerialTestBed(undefined, clock);
    await bed.#transport.start();
    return bed;
  }

  static async startAllowing(...allowed: string[]): Promise<SerialTestBed> {
    const bed = new SerialTestBed(allowed);
    await bed.#transport.start();
    return bed;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  want(...ports: string[]): void {
    this.#ports = ports;
    for (const listener of this.#listeners) listener();
  }

  /** The n-th channel that was opened, counted from 0. */
  async opened(index = 0): Promise<OpenedChannel> {
    await until(`channel ${index} is open`, () => this.channels.length > index);
    return this.channels[index] as OpenedChannel;
  }

  logLines(): { level: string; msg: string; port: string; err?: string; code?: string }[] {
    return this.#logText
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  async stopTransport(): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopTransport();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A board that listens where the gateway connects: on a Unix socket, or on a TCP port of the loopback. */
export class SocketBoard implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets: Socket[] = [];
  received = Buffer.alloc(0);

  private constructor() {
    this.#server = createServer((socket) => {
      this.sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        this.received = Buffer.concat([this.received, chunk]);
      });
    });
  }

  static async listen(where: string | number): Promise<SocketBoard> {
    const board = new SocketBoard();
    if (typeof where === "number") board.#server.listen(where, "127.0.0.1");
    else board.#server.listen(where);
    await once(board.#server, "listening");
    return board;
  }

  get tcpPort(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  write(bytes: Uint8Array | string): void {
    this.sockets.at(-1)?.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/**
 * Holds the master side of pseudo-terminals. Each line on stdin makes a new one and hangs up the one before; its path
 * comes back on stdout. Modes: echo; flood = sends without end; chatty = waits for one more line on stdin, says 200,000
 * bytes before it reads any, then prints how much it reads.
 */
const ptyProgram = `
import os, select, sys, tty
mode = sys.argv[1]
master = -1
while True:
    ready = [0] + ([master] if master >= 0 else [])
    wait = 0 if mode == "flood" and master >= 0 else None
    readable = select.select(ready, [], [], wait)[0]
    if 0 in readable:
        if not os.read(0, 64): break
        if master >= 0: os.close(master)
        master, slave = os.openpty()
        tty.setraw(slave)
        sys.stdout.write(os.ttyname(slave) + "\\n"); sys.stdout.flush()
        if mode == "chatty":
            os.read(0, 64)
            os.write(master, b"x" * 200000)
        if mode == "flood":
            # The hang-up must be the gateway's to see: nobody else may hold the slave.
            os.set_blocking(master, False)
            os.close(slave)
    elif mode == "flood":
        try: os.write(master, b"x" * 512)
        except (BlockingIOError, OSError): select.select([0], [], [], 0.001)
    elif master in readable:
        data = os.read(master, 65536)
        if mode == "echo": os.write(master, data)
        else: sys.stdout.write(str(len(data)) + "\\n"); sys.stdout.flush()
`;

/** A board on a pseudo-terminal, in a process of its own so that it can be killed. */
export class PtyBoard implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(mode: "echo" | "flood" | "chatty") {
    this.#child = spawn("python3", ["-c", ptyProgram, mode], { stdio: ["pipe", "pipe", "inherit"] });
    if (!this.#child.stdout) throw new Error("the board has no stdout");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Hangs up the line before, if any. @returns the path of a new one */
  async plug(): Promise<string> {
    this.#child.stdin?.write("\n");
    return this.line();
  }

  /** Tells a chatty board to begin. */
  talk(): void {
    this.#child.stdin?.write("\n");
  }

  async line(): Promise<string> {
    return String((await this.#lines.next()).value);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.kill();
      await exited;
    }
  }
}
