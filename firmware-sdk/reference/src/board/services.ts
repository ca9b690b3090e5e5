import { Status } from "@motelet/profiles";
import type { StreamEndpoint } from "../streams.ts";

/** What a service writes its output to. */
export interface ServiceOutput {
  /** Bytes that `write` takes now. */
  readonly free: number;
  /** Takes as many of the bytes as are free and returns how many. */
  write(bytes: Uint8Array): number;
  /** Ends the output after what was written. */
  finish(end: { readonly status: number }): void;
  /** Something came that nobody asked for, such as bytes from a socket: has the endpoint pumped. */
  changed(): void;
}

/**
 * Something on the device that can be dialled (SPEC §6.10).
 * @param settled to be called once: with OK at once or later, with UNAVAILABLE, where nothing answers, only after the call
 */
export type Service = (output: ServiceOutput, settled: (status: Status) => void) => StreamEndpoint;

/** Services by port. */
export type Services = ReadonlyMap<number, Service>;

/** Port of the echo service (RFC 862). */
export const echoPort = 7;

/** Returns what it gets, and ends when its input does. */
export const echoService: Service = (output, settled) => {
  settled(Status.OK);
  return {
    get room() {
      return output.free;
    },
    take: (bytes) => void output.write(bytes),
    end: (status) => output.finish({ status }),
    closed: () => {},
  };
};

/** What every device offers. */
export const builtInServices: Services = new Map([[echoPort, echoService]]);
