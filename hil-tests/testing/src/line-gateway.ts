import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ByeReason, encodeFrame, FrameDecoder, type FrameItem } from "@motelet/profiles";
import { SimulatedGateway } from "./simulated-gateway.ts";
import { until } from "./until.ts";

/** What is between the gateway and the device: bytes go in, and come out as the line lets them through. */
export type LineNoise = (bytes: Uint8Array) => Uint8Array;

/** The gateway's end of a line: a socket, or a terminal. */
export interface Wire {
  write(bytes: Uint8Array): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
}

const expiryMs = 20;

/** A simulated gateway at the end of a line: frames, and the console text between them. It does not open the line again. */
export class LineGateway extends SimulatedGateway implements AsyncDisposable {
  /** What came outside frames. */
  text = "";
  badFrames = 0;
  #timer: NodeJS.Timeout | undefined;
  #socket: Socket | undefined;

  /** Connects to a device's unix socket, waiting until it listens, asks for a hello and waits for it. */
  static async connect(path: string, noise?: LineNoise): Promise<LineGateway> {
    const gateway = new LineGateway();
    gateway.#socket = await until(`a device that listens at ${path}`, () => connected(path));
    gateway.plug(gateway.#socket, noise);
    gateway.send({ kind: "bye", reason: ByeReason.noSession });
    await until("a hello", () => gateway.hellos.length > 0);
    return gateway;
  }

  /** Puts it at the end of a line; `noise` may change what travels, both ways. */
  plug(wire: Wire, noise: LineNoise = (bytes) => bytes): void {
    const decoder = new FrameDecoder({ maxMessageBytes: 1024 });
    const take = (items: readonly FrameItem[]) => {
      for (const { kind, bytes } of items) {
        if (kind === "message") this.receive(bytes);
        else this.text += Buffer.from(bytes).toString();
      }
      this.badFrames = decoder.badFrames;
    };
    this.attach((message) => wire.write(noise(encodeFrame(message))));
    wire.on("data", (bytes) => take(decoder.push(noise(bytes), performance.now())));
    clearInterval(this.#timer);
    this.#timer = setInterval(() => take(decoder.expire(performance.now())), expiryMs).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#socket?.destroy();
    if (this.#socket?.closed === false) await once(this.#socket, "close");
  }
}

/** A connection that has become one. @throws what connecting throws */
async function connected(path: string): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // What a device that ends does to the line is seen in what arrives.
  socket.on("error", () => {});
  return socket;
}

/** Flips one bit in about `everyBytes` bytes, the same ones for the same seed (mulberry32). */
export function bitFlips(everyBytes: number, seed: number): LineNoise {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (bytes) =>
    bytes.map((byte) => (random() * everyBytes < 1 ? byte ^ (1 << Math.floor(random() * 8)) : byte));
}
