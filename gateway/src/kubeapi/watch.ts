import { ProtocolError } from "../foundation/errors.ts";
import type { WatchEvent } from "./kube-client.ts";

/** etcd holds at most 1.5 MiB an object; JSON and managedFields add to it. */
const maxWatchLineBytes = 8 * 1024 * 1024;

/**
 * Splits the body of a watch into its events, one JSON text per line.
 * @throws ProtocolError if a line is longer than the limit or is not JSON
 */
export async function* readWatchEvents<T>(
  body: AsyncIterable<Uint8Array>,
  maxLineBytes = maxWatchLineBytes,
): AsyncGenerator<WatchEvent<T>> {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, end)]);
      if (line.length > maxLineBytes) throw tooLong(line.length, maxLineBytes);
      parts = [];
      partBytes = 0;
      from = end + 1;
      if (line.length > 0) yield parseEvent<T>(line);
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      partBytes += chunk.length - from;
      if (partBytes > maxLineBytes) throw tooLong(partBytes, maxLineBytes);
    }
  }
}

function parseEvent<T>(line: Buffer): WatchEvent<T> {
  try {
    return JSON.parse(line.toString("utf8")) as WatchEvent<T>;
  } catch (cause) {
    throw new ProtocolError("WATCH_NOT_JSON", `watch sent a line of ${line.length} bytes that is not JSON`, {
      cause,
    });
  }
}

function tooLong(bytes: number, maxBytes: number): ProtocolError {
  return new ProtocolError("WATCH_LINE_TOO_LONG", `watch sent a line of ${bytes} bytes: limit ${maxBytes}`);
}
