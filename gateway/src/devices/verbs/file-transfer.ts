import { Status } from "@motelet/profiles";
import { onAbort } from "../../foundation/abort.ts";
import type { Clock } from "../../foundation/clock.ts";
import { type MoteletError, RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { Stream, StreamOutcome } from "../../session/stream.ts";

/** After this time without progress a device has hung in the middle of a file. Milliseconds. */
const stallMs = 60_000;
/** Bytes that are handed to a stream at once: what a source gives in larger pieces is cut. */
const pieceBytes = 32_768;

interface Transfer {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The error of a stream that did not end with OK. */
  readonly refuse: (outcome: { status: number; message?: string; result: readonly [] }) => MoteletError;
}

/**
 * Receives a file's bytes from its device. The transfer ends if the reader stops iterating or aborts the signal. If the
 * reader pauses, the device stops when the stream's window is used up.
 * @throws while iterating, if the device did not end with OK or has stalled
 */
export function receiveFile(stream: Stream, transfer: Transfer): AsyncIterable<Uint8Array> {
  // Also where nobody ever iterates.
  cancelOnAbort(stream, transfer.signal);
  return bytesOf(stream, transfer);
}

async function* bytesOf(stream: Stream, transfer: Transfer): AsyncGenerator<Uint8Array, void, undefined> {
  const source = stream.read();
  try {
    for (;;) {
      const { done, value } = await unlessStalled(stream, transfer.clock, source.next());
      if (done) break;
      yield value;
    }
    expectOk(await stream.ended, transfer);
  } finally {
    stream.cancel();
  }
}

/**
 * Sends a file's bytes, and waits until the device has put the file in place.
 * @throws RequestError FILE_SIZE if there are more or fewer bytes than `size`; errors of the source; the error for the
 * device's status; UnavailableError FILE_STALLED
 */
export async function sendFile(
  stream: Stream,
  transfer: Transfer & {
    readonly bytes: AsyncIterable<Uint8Array>;
    readonly size: number | undefined;
    readonly subject: string;
  },
): Promise<void> {
  cancelOnAbort(stream, transfer.signal);
  const source = transfer.bytes[Symbol.asyncIterator]();
  try {
    const whole = await pump(stream, source, transfer);
    if (whole) await stream.endInput();
    const outcome = await unlessStalled(stream, transfer.clock, stream.ended);
    if (whole && isLoss(outcome)) throw unknownCommit(outcome, transfer);
    expectOk(outcome, transfer);
    // Ended by OK without having had the whole: that is no file.
    if (!whole) throw transfer.refuse({ status: Status.DATA_LOSS, result: [] });
  } finally {
    stream.cancel();
    // Not waited for: a source that waits for a caller ends when that does.
    void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

/** @returns false where the device ended the stream first */
async function pump(
  stream: Stream,
  source: AsyncIterator<Uint8Array>,
  transfer: { readonly clock: Clock; readonly size: number | undefined; readonly subject: string },
): Promise<boolean> {
  const { size, subject, clock } = transfer;
  const over = stream.ended.then(() => undefined);
  let sent = 0;
  for (;;) {
    const next = await Promise.race([source.next(), over]);
    if (!next) return false;
    const { done, value } = next;
    sent += done ? 0 : value.length;
    if (size !== undefined && (sent > size || (done && sent < size)))
      throw new RequestError(
        "FILE_SIZE",
        `${subject}: expected ${size} bytes, got ${done ? sent : `${sent} or more`}`,
      );
    if (done) return true;
    for (let at = 0; at < value.length; at += pieceBytes) {
      const written = stream.write(value.subarray(at, at + pieceBytes)).then(
        () => true,
        () => false,
      );
      if (!(await unlessStalled(stream, clock, written))) return false;
    }
  }
}

function expectOk(outcome: StreamOutcome, transfer: Transfer): void {
  const { status, message } = outcome;
  if (status === Status.OK) return;
  throw transfer.refuse({ status, result: [], ...(message && isLoss(outcome) ? { message } : {}) });
}

const losses: readonly number[] = [Status.CANCELLED, Status.ABORTED, Status.UNAVAILABLE];

/** Whether the stream was cut, by us or by the loss of the device; else the status is the device's word. */
function isLoss({ status, message }: StreamOutcome): boolean {
  return message !== undefined && losses.includes(status);
}

/** All was sent, and then the device was lost before it said whether it had committed. */
function unknownCommit(
  { message }: StreamOutcome,
  { subject }: { readonly subject: string },
): UnavailableError {
  return new UnavailableError(
    "FILE_COMMIT_UNKNOWN",
    `${subject}: ${message} when all had been sent; it is not known whether it was written`,
  );
}

function cancelOnAbort(stream: Stream, signal: AbortSignal): void {
  const aborting = onAbort(signal, () => stream.cancel());
  void stream.ended.then(() => aborting[Symbol.dispose]());
}

/** @throws UnavailableError FILE_STALLED */
async function unlessStalled<T>(stream: Stream, clock: Clock, progress: Promise<T>): Promise<T> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const timer = clock.after(stallMs, () => {
    const message = `the device has moved nothing of the file for ${stallMs / 1000} s`;
    reject(new UnavailableError("FILE_STALLED", message));
    stream.cancel();
  });
  try {
    return await Promise.race([progress, stalled]);
  } finally {
    timer.cancel();
  }
}
