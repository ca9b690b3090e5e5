import { commands, Status } from "@motelet/profiles";
import type { FileWrite } from "../board/file-store.ts";
import { implement } from "../command.ts";
import type { StreamSender } from "../stream.ts";
import type { StreamEndpoint } from "../streams.ts";

/**
 * Receives a file from a stream (SPEC §6.13). The complete file is in place before the device ends its direction with
 * OK.
 */
export const fileWrite = implement(commands.fileWrite, ({ stream, size, mode, path }, context) => {
  const { parts, streams, rtoMs, wallMs } = context;
  const write = parts.files?.write(path, size, mode) ?? Status.UNIMPLEMENTED;
  if (typeof write === "number") return { status: write };
  const status = streams.open(
    [stream],
    rtoMs,
    ([sender]) => new Upload(write, sender as StreamSender, wallMs),
  );
  if (status === Status.OK) return { status };
  write.discard();
  // A full device would be RESOURCE_EXHAUSTED, and trying again in vain.
  return { status: Status.UNAVAILABLE };
});

/** A file between its stream and the store. */
class Upload implements StreamEndpoint {
  readonly room = undefined;
  readonly #write: FileWrite;
  readonly #sender: StreamSender;
  readonly #wallMs: () => number | undefined;
  #over = false;

  constructor(write: FileWrite, sender: StreamSender, wallMs: () => number | undefined) {
    this.#write = write;
    this.#sender = sender;
    this.#wallMs = wallMs;
  }

  take(bytes: Uint8Array): void {
    if (this.#over) return;
    const status = this.#write.take(bytes);
    if (status !== Status.OK) this.#fail(status);
  }

  end(status: number): void {
    if (this.#over) return;
    if (status !== Status.OK) {
      this.#fail(status);
      return;
    }
    this.#over = true;
    this.#sender.finish({ status: this.#write.commit(this.#wallMs()) });
  }

  closed(): void {
    if (!this.#over) this.#write.discard();
    this.#over = true;
  }

  #fail(status: number): void {
    this.#over = true;
    this.#write.discard();
    this.#sender.finish({ status });
  }
}
