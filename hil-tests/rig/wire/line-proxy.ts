import { rm } from "node:fs/promises";
import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { type LineFaultCounts, type LineFaultRates, LineFaults } from "./line-faults.ts";

/** Bit errors of a line that is bad but usable. */
export const badLine: LineFaultRates = { flipEveryBytes: 2000 };

/** Bytes that may be on the way in one direction before the sender is made to wait. */
const bytesOnTheWay = 64 * 1024;

export interface LineProxyOptions {
  /** Unix socket path that the proxy makes; the gateway connects here. */
  readonly listenPath: string;
  /** Unix socket path on which the device listens; opened again for each connection. */
  readonly connectPath: string;
  /** Faults of both directions; default {@link badLine}. */
  readonly faults?: LineFaultRates;
  /** Default 1. */
  readonly seed?: number;
}

export interface LineProxyCounts {
  readonly toDevice: Readonly<LineFaultCounts>;
  readonly toGateway: Readonly<LineFaultCounts>;
  /** Connections that were taken. */
  readonly connections: number;
  /** Times the line was cut by {@link LineProxy.cut}. */
  readonly cuts: number;
}

/**
 * A serial line between two unix sockets that loses and spoils bytes by seeded chance.
 * It is one line: a new connection takes the place of the one before.
 */
export class LineProxy implements AsyncDisposable {
  readonly listenPath: string;
  readonly #connectPath: string;
  readonly #toDevice: LineFaults;
  readonly #toGateway: LineFaults;
  readonly #server: Server;
  #ends: readonly Socket[] = [];
  #connections = 0;
  #cuts = 0;

  constructor(options: LineProxyOptions) {
    const { faults = badLine, seed = 1 } = options;
    this.listenPath = options.listenPath;
    this.#connectPath = options.connectPath;
    this.#toDevice = new LineFaults(faults, seed);
    this.#toGateway = new LineFaults(faults, seed ^ 0x5bd1e995);
    this.#server = createServer((gateway) => this.#connect(gateway));
  }

  /** Listens; a socket that a dead process left at `listenPath` is replaced. */
  async start(): Promise<void> {
    await rm(this.listenPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.listenPath, () => resolve());
    });
  }

  get counts(): LineProxyCounts {
    return {
      toDevice: { ...this.#toDevice.counts },
      toGateway: { ...this.#toGateway.counts },
      connections: this.#connections,
      cuts: this.#cuts,
    };
  }

  /** Closes both ends at once; bytes on the way are lost. The next connection is served again. */
  cut(): void {
    if (this.#ends.length > 0) this.#cuts++;
    this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.listenPath, { force: true });
  }

  #close(): void {
    for (const end of this.#ends) end.destroy();
    this.#ends = [];
  }

  #connect(gateway: Socket): void {
    this.#close();
    this.#connections++;
    const device = openSocket(this.#connectPath);
    const ends = [gateway, device];
    this.#ends = ends;
    for (const end of ends) {
      // A line has no half: what happens to one end happens to the other.
      end.on("error", () => {});
      end.on("close", () => {
        for (const other of ends) other.destroy();
      });
    }
    gateway.pipe(line(this.#toDevice)).pipe(device);
    device.pipe(line(this.#toGateway)).pipe(gateway);
  }
}

/** One direction: faults, then the delay, in order and with back-pressure. */
function line(faults: LineFaults): Transform {
  const onTheWay: Buffer[] = [];
  let bytes = 0;
  let resume: (() => void) | undefined;
  const arrive = (): void => {
    const chunk = onTheWay.shift();
    if (!chunk) return;
    bytes -= chunk.length;
    direction.push(chunk);
    const waiting = resume;
    resume = undefined;
    waiting?.();
  };
  const direction = new Transform({
    highWaterMark: bytesOnTheWay,
    transform(chunk: Buffer, _encoding, done) {
      const arriving = faults.apply(chunk);
      const { delayMs = 0 } = faults.rates;
      if (delayMs <= 0 && onTheWay.length === 0) return done(null, arriving);
      // Whichever timer fires, the oldest bytes arrive: a delay that shrinks does not let bytes overtake.
      onTheWay.push(arriving);
      bytes += arriving.length;
      setTimeout(arrive, delayMs);
      if (bytes < bytesOnTheWay) done();
      else resume = done;
    },
    flush(done) {
      if (onTheWay.length === 0) return done();
      const drained = (): void => {
        if (onTheWay.length === 0) done();
        else resume = drained;
      };
      resume = drained;
    },
  });
  return direction;
}

/** Starts a {@link LineProxy}. */
export async function startLineProxy(options: LineProxyOptions): Promise<LineProxy> {
  const proxy = new LineProxy(options);
  await proxy.start();
  return proxy;
}
