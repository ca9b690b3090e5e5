import type { CommandSession } from "../../devices/verbs/command-session.ts";

/** The stdin of a script: its commands read from it one after the other, and unread bytes wait for the next one. */
export class SharedInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #next: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next bytes; undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    this.#next ??= this.#source.next();
    const next = await this.#next;
    if (next.done) return undefined;
    this.#next = undefined;
    return next.value;
  }

  /** Passes bytes to a command until it has ended. */
  async feed(session: CommandSession): Promise<void> {
    const ended = session.exit.then(() => undefined);
    for (;;) {
      this.#next ??= this.#source.next();
      const next = await Promise.race([this.#next, ended]);
      if (!next) return;
      if (next.done) return session.endInput();
      this.#next = undefined;
      await session.write(next.value);
    }
  }
}
