import { StringDecoder } from "node:string_decoder";

/** Longest line that is kept together, in characters. */
export const maxLineLength = 4_096;

/**
 * Splits console bytes into lines. Holds at most one line; a longer one is split into parts. CR LF becomes LF, bytes
 * that are not UTF-8 become U+FFFD.
 */
export class LineAssembler {
  #decoder = new StringDecoder("utf8");
  #held = "";

  /** @returns the lines that these bytes complete, each with its end */
  push(bytes: Uint8Array): string[] {
    const text = this.#held + this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const lines: string[] = [];
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      lines.push(...cut(`${text.slice(from, at).replace(/\r$/, "")}\n`));
      from = at + 1;
    }
    this.#held = text.slice(from);
    while (this.#held.length > maxLineLength) {
      lines.push(this.#held.slice(0, maxLineLength));
      this.#held = this.#held.slice(maxLineLength);
    }
    return lines;
  }

  /** Whether there is an incomplete line. */
  get pending(): boolean {
    return this.#held !== "";
  }

  /** @returns the incomplete line so far (a prompt, for example) */
  flush(): string {
    // A CR may still get its LF.
    const keep = this.#held.endsWith("\r") ? "\r" : "";
    const text = this.#held.slice(0, this.#held.length - keep.length);
    this.#held = keep;
    return text;
  }
}

function cut(line: string): string[] {
  if (line.length <= maxLineLength + 1) return [line];
  const parts = Math.ceil(line.length / maxLineLength);
  return Array.from({ length: parts }, (_, part) =>
    line.slice(part * maxLineLength, (part + 1) * maxLineLength),
  );
}
