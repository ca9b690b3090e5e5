import { Status } from "@motelet/profiles";
import type { StreamEndpoint } from "../streams.ts";

/** The output of a service. */
export interface ServiceOutput {
  /** Bytes that `write` accepts now. */
  readonly free: number;
  /** Accepts as many of the bytes as fit and returns how many. */
  write(bytes: Uint8Array): number;
  /** Ends the output after the written bytes. */
  finish(end: { readonly status: number }): void;
  /** An event from outside happened, such as bytes from a socket: the endpoint will be pumped. */
  changed(): void;
}

/**
 * A service of the device that can be dialled (SPEC §6.10).
 * @param settled call it once: with OK, during the call or later; or with UNAVAILABLE if nothing answers, only after
 * the call
 */
export type Service = (output: ServiceOutput, settled: (status: Status) => void) => StreamEndpoint;

/** Services by port. */
export type Services = ReadonlyMap<number, Service>;

/** Port of the echo service (RFC 862). */
export const echoPort = 7;

/** Returns its input, and ends when its input ends. */
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

/** Services of every device. */
export const builtInServices: Services = new Map([[echoPort, echoService]]);
