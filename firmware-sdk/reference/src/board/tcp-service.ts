import { connect, type Socket } from "node:net";
import { limits, Status } from "@motelet/profiles";
import { OptionError } from "../errors.ts";
import type { Service } from "./services.ts";

/** Bytes that may wait for a service that does not read, before the stream's window closes: one window behind another. */
const waitingBytes = 2 * limits.windowBytes;
/** Free space that is announced to the gateway. */
const updateBytes = limits.windowBytes / 2;
/** Time in which a service must answer, milliseconds; well within the deadline of dial. */
const connectTimeoutMs = 5_000;

export interface ServiceAddress {
  /** The port under which it is dialled. */
  readonly port: number;
  readonly target: { readonly host: string; readonly port: number };
}

/**
 * Parses `8080=127.0.0.1:80` or `8080=[::1]:80`: the port that is dialled, and its target.
 * @throws OptionError
 */
export function parseServiceAddress(text: string): ServiceAddress {
  const [, dialled, bracketed, plain, target] =
    /^(\d{1,5})=(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const isPort = (port: number) => port >= 1 && port <= 0xffff;
  if (host === undefined || !isPort(Number(dialled)) || !isPort(Number(target)))
    throw new OptionError(
      "SERVICE",
      `service "${text}": expected <port>=<host>:<port>, e.g. 8080=127.0.0.1:80`,
    );
  return { port: Number(dialled), target: { host, port: Number(target) } };
}

/** A service that connects to a TCP address which this process reaches, like a service in a device's own network. */
export function tcpService(target: ServiceAddress["target"]): Service {
  return (output, settled) => {
    const socket = connect({ ...target, noDelay: true, allowHalfOpen: true });
    /** Less than half a window was announced to the gateway. */
    let short = false;
    let answer: ((status: Status) => void) | undefined = settled;
    let corked = false;
    // What comes in one turn of the event loop goes on in one system call.
    const cork = () => {
      if (corked) return;
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    };
    const settle = (status: Status) => {
      answer?.(status);
      answer = undefined;
    };
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error("no answer in time")));
    socket.once("connect", () => {
      socket.setTimeout(0);
      settle(Status.OK);
    });
    // Reads only what the stream takes: without a "data" listener the rest stays in the kernel.
    socket.on("readable", () => output.changed());
    socket.once("end", () => output.changed());
    socket.on("error", () => {
      settle(Status.UNAVAILABLE);
      output.finish({ status: Status.ABORTED });
      output.changed();
    });
    return {
      get room() {
        return Math.max(0, waitingBytes - socket.writableLength);
      },
      take(bytes) {
        cork();
        // A copy: the message is gone when the socket gets to it.
        socket.write(Uint8Array.from(bytes), () => {
          // "drain" would come only where far more had waited.
          if (!short || waitingBytes - socket.writableLength < updateBytes) return;
          short = false;
          output.changed();
        });
        if (waitingBytes - socket.writableLength < updateBytes) short = true;
      },
      end: () => void socket.end(),
      pump() {
        pumpSocket(socket, output);
        if (socket.readableEnded) output.finish({ status: Status.OK });
      },
      closed: () => void socket.destroy(),
    };
  };
}

function pumpSocket(socket: Socket, output: Parameters<Service>[0]): void {
  while (output.free > 0 && socket.readableLength > 0) {
    const bytes: Buffer | null = socket.read(Math.min(output.free, socket.readableLength));
    if (bytes === null) return;
    output.write(bytes);
  }
  // Only readers that have read everything get the end.
  if (socket.readableLength === 0) socket.read(0);
}
