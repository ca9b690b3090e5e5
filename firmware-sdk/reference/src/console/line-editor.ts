/** Longest line, bytes; what goes beyond is dropped. */
const longestLineBytes = 128;

/** The result of a key. `echo`: the bytes that a terminal shows for it. */
export type EditorEvent =
  | { readonly kind: "typed"; readonly echo: string }
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "interrupt" }
  | { readonly kind: "end" };

const keys = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  carriageReturn: 0x0d,
  clearLine: 0x15,
  space: 0x20,
  rubOut: 0x7f,
} as const;

/** The input line while it is typed (SHELL.md). */
export class LineEditor {
  #line: number[] = [];
  #lastWasReturn = false;

  /**
   * Processes one byte.
   * @returns undefined if it changes nothing
   */
  press(byte: number): EditorEvent | undefined {
    const lastWasReturn = this.#lastWasReturn;
    this.#lastWasReturn = byte === keys.carriageReturn;
    switch (byte) {
      case keys.newline:
        return lastWasReturn ? undefined : this.#enter();
      case keys.carriageReturn:
        return this.#enter();
      case keys.interrupt:
        this.#line = [];
        return { kind: "interrupt" };
      case keys.endOfInput:
        return this.#line.length === 0 ? { kind: "end" } : undefined;
      case keys.backspace:
      case keys.rubOut:
        return this.#rubOut() ? { kind: "typed", echo: "\b \b" } : undefined;
      case keys.clearLine: {
        let echo = "";
        while (this.#rubOut()) echo += "\b \b";
        return { kind: "typed", echo };
      }
      default:
        if (byte < keys.space || this.#line.length >= longestLineBytes) return undefined;
        this.#line.push(byte);
        return { kind: "typed", echo: String.fromCharCode(byte) };
    }
  }

  #enter(): EditorEvent {
    const text = Buffer.from(this.#line).toString("utf8");
    this.#line = [];
    return { kind: "line", text };
  }

  /** Takes back one character, of however many bytes. */
  #rubOut(): boolean {
    let byte = this.#line.pop();
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.#line.pop();
    return byte !== undefined;
  }
}
