/** The last lines of an output: at most `capacity` lines of at most `maxLineLength` characters. */
export class LineRing {
  readonly #capacity: number;
  readonly #maxLineLength: number;
  #lines: string[] = [];
  #dropped = 0;

  constructor(capacity: number, maxLineLength = 4096) {
    this.#capacity = capacity;
    this.#maxLineLength = maxLineLength;
  }

  /** Lines that fell out at the old end. */
  get dropped(): number {
    return this.#dropped;
  }

  push(line: string): void {
    this.#lines.push(line.length > this.#maxLineLength ? `${line.slice(0, this.#maxLineLength)}…` : line);
    if (this.#lines.length <= this.#capacity) return;
    this.#lines.shift();
    this.#dropped++;
  }

  /** The newest `count` lines, oldest first. */
  last(count: number = this.#capacity): string[] {
    return count > 0 ? this.#lines.slice(-count) : [];
  }
}

/**
 * Cuts text into lines, whatever the chunks are; the end of a line is LF or CR LF.
 * Holds at most `maxLineLength` characters: a longer line is delivered in pieces.
 */
export class LineSplitter {
  readonly #maxLineLength: number;
  readonly #onLine: (line: string) => void;
  #open = "";

  constructor(onLine: (line: string) => void, maxLineLength = 16_384) {
    this.#onLine = onLine;
    this.#maxLineLength = maxLineLength;
  }

  push(text: string): void {
    const pieces = (this.#open + text).split("\n");
    this.#open = pieces.pop() ?? "";
    for (const piece of pieces) this.#onLine(piece.endsWith("\r") ? piece.slice(0, -1) : piece);
    while (this.#open.length > this.#maxLineLength) {
      this.#onLine(this.#open.slice(0, this.#maxLineLength));
      this.#open = this.#open.slice(this.#maxLineLength);
    }
  }

  /** Delivers what stands after the last line break. */
  end(): void {
    if (this.#open !== "") this.#onLine(this.#open);
    this.#open = "";
  }
}
