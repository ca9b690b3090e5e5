import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { DeviceLogReader, LogEntry } from "../devices/log/device-log.ts";
import { RequestError } from "../foundation/errors.ts";
import type { PlainHandler } from "./handlers.ts";
import { type LogOptions, parseLogOptions } from "./log-options.ts";
import { expectTarget } from "./pod-lookup.ts";

/** The log that is requested: the registry's key, and names for messages. */
export interface LogSubject {
  /** Absent for the container of a peripheral, which has no log. */
  readonly key: string | undefined;
  readonly pod: string;
  readonly container: string;
}

/** `/containerLogs`: the reply to `kubectl logs` (docs/kubectl.md, "logs"). */
export const answerContainerLogs: PlainHandler = async (call, serving, response) => {
  const { clock, logs, meters, stopping } = serving;
  const route = call.route.name;
  const options = parseLogOptions(call.query, clock.wallMs());
  const target = expectTarget(call);
  const { key, spec } = target.facts;
  const subject = {
    key: target.kind === "device" ? key : undefined,
    pod: spec.name,
    container: call.params.container ?? "",
  };
  meters.openStreams.inc({ route });
  try {
    await writeContainerLogs(logs, subject, options, response, stopping);
  } finally {
    meters.openStreams.dec({ route });
  }
  return undefined;
};

/**
 * Streams a device's stored log: each batch is one write and one flush. A slow client slows down the reading. Ends with
 * the log, at `limitBytes`, on the signal, or when the client disconnects.
 * @throws RequestError if there is no previous boot; nothing has been written then
 */
export async function writeContainerLogs(
  logs: DeviceLogReader,
  subject: LogSubject,
  options: LogOptions,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const reading = AbortSignal.any([signal, gone.signal]);
  const { previous, follow, sinceMs, tailLines } = options;
  const batches =
    subject.key === undefined
      ? undefined
      : logs.read(subject.key, {
          previous,
          follow,
          signal: reading,
          ...(tailLines === undefined ? {} : { tailLines }),
          ...(sinceMs === undefined ? {} : { sinceMs }),
        });
  if (!batches && previous)
    throw new RequestError(
      "PREVIOUS_NOT_FOUND",
      `previous terminated container ${JSON.stringify(subject.container)} in pod ${JSON.stringify(subject.pod)} not found`,
    );

  response.writeHead(200, { "content-type": "text/plain", "transfer-encoding": "chunked" });
  // kubectl logs -f shows nothing, not even an error, before the head has come.
  response.flushHeaders();
  if (batches && !options.onlyStderr) await writeBatches(batches, options, response, reading);
  response.end();
}

async function writeBatches(
  batches: AsyncIterable<readonly LogEntry[]>,
  options: LogOptions,
  response: ServerResponse,
  reading: AbortSignal,
): Promise<void> {
  const format = new LogFormat(options.timestamps);
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const batch of batches) {
    if (reading.aborted) return;
    const bytes = Buffer.from(format.batch(batch), "utf8").subarray(0, left);
    left -= bytes.length;
    if (bytes.length > 0 && !response.write(bytes)) await drained(response, reading);
    if (left === 0 || reading.aborted) return;
  }
}

async function drained(response: ServerResponse, reading: AbortSignal): Promise<void> {
  try {
    await once(response, "drain", { signal: reading });
  } catch (error) {
    if (!reading.aborted) throw error;
  }
}

/** Puts timestamps before lines; a line that arrives in parts gets one timestamp, at its start. */
export class LogFormat {
  readonly #timestamps: boolean;
  #atLineStart = true;

  constructor(timestamps: boolean) {
    this.#timestamps = timestamps;
  }

  batch(entries: readonly LogEntry[]): string {
    return entries.map((entry) => this.#entry(entry)).join("");
  }

  #entry({ stampMs, text, ownLine }: LogEntry): string {
    if (text === "") return "";
    const end = ownLine && !this.#atLineStart ? "\n" : "";
    const stamp = this.#timestamps && (this.#atLineStart || ownLine) ? `${formatStamp(stampMs)} ` : "";
    this.#atLineStart = text.endsWith("\n");
    return end + stamp + text;
  }
}

/** RFC3339NanoFixed of the kubelet, in UTC: `2026-11-21T07:35:00.123000000Z`. */
export function formatStamp(stampMs: number): string {
  return new Date(stampMs).toISOString().replace("Z", "000000Z");
}
