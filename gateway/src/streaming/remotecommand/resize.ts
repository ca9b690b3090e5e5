import { ProtocolError } from "../../foundation/errors.ts";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** More than the longest `{"Width":65535,"Height":65535}`. */
export const maxResizeBytes = 256;

/**
 * Reads terminal sizes from a resize stream: JSON objects `{"Width":80,"Height":24}`, one after the other, split
 * anywhere.
 * @throws ProtocolError for any other content
 */
export async function* parseResizes(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalSize> {
  let rest = "";
  for await (const chunk of chunks) {
    rest += Buffer.from(chunk).toString("latin1");
    for (let end = rest.indexOf("}"); end >= 0; end = rest.indexOf("}")) {
      yield parseSize(rest.slice(0, end + 1));
      rest = rest.slice(end + 1).trimStart();
    }
    if (rest.length > maxResizeBytes)
      throw new ProtocolError("RESIZE", `resize of more than ${maxResizeBytes} bytes`);
  }
}

function parseSize(text: string): TerminalSize {
  if (text.length > maxResizeBytes)
    throw new ProtocolError("RESIZE", `resize of more than ${maxResizeBytes} bytes`);
  const size = parseJson(text);
  const columns = size.Width;
  const rows = size.Height;
  if (!isCellCount(columns) || !isCellCount(rows))
    throw new ProtocolError("RESIZE", "expected a resize with Width and Height of 0…65535");
  return { columns, rows };
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (cause) {
    throw new ProtocolError("RESIZE", "resize is not JSON", { cause });
  }
}

function isCellCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff;
}
