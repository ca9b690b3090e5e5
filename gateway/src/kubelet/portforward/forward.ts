import { Status, statusName } from "@motelet/profiles";
import type { Conversation } from "../../devices/verbs/dial.ts";
import { onAbort, raceAbort } from "../../foundation/abort.ts";
import { MoteletError, messageOf, UnavailableError } from "../../foundation/errors.ts";
import type { ForwardPair, ForwardStream } from "../../streaming/portforward/forward-pair.ts";
import { isNoRoom } from "./dial-line.ts";

/** Connects to a port of the device; throws MoteletError. */
export type Dial = (port: number, options: { readonly signal: AbortSignal }) => Promise<Conversation>;

/** The owner of the port, for the client's message. */
export interface ForwardSubject {
  readonly pod: string;
  readonly uid: string;
}

/**
 * Connects one pair of streams with a service of the device. Passes on the end of input in both directions. The
 * connection ends with the service's output; a failure is reported on the error stream with a kubelet's message.
 * Neither direction holds more than the windows of the layers below, so a side that does not read stops the other.
 * @returns "OK", or the code of the error that ended it
 */
export async function forward(
  pair: ForwardPair,
  dial: Dial,
  subject: ForwardSubject,
  signal: AbortSignal,
): Promise<string> {
  const { data, error, port } = pair;
  // Not AbortSignal.any: what has a listener stays alive as long as its oldest source, here the gateway.
  const cancel = new AbortController();
  const stop = () => cancel.abort();
  using _stopping = onAbort(signal, stop);
  let isGone = false;
  void data.lost.then(() => {
    isGone = true;
    stop();
  });
  // Clients end their half at once and send nothing on it.
  error.discardInput();
  try {
    await connect(pair, dial, cancel.signal);
    // Whatever the client still sends must not be in the way of its other connections.
    data.discardInput();
    data.end();
    error.end();
    return "OK";
  } catch (cause) {
    // Without a reply a client gives up this connection alone; a text would make kubectl give up all of them.
    const isRefused = isNoRoom(cause) && data.reply !== undefined;
    if (!isGone && !isRefused) {
      data.reply?.();
      const message = signal.aborted ? "the gateway is shutting down" : messageOf(cause);
      const text = `error forwarding port ${port} to pod ${subject.pod}, uid ${subject.uid}: ${message}`;
      // Not awaited: it is short, and a client that reads nothing must not hold the pair.
      error.write(Buffer.from(text)).catch(() => undefined);
    }
    error.end();
    // Before the reset, which is a loss too.
    const wasGone = isGone;
    data.reset();
    if (wasGone) return "CLIENT_GONE";
    return cause instanceof MoteletError ? cause.code : "INTERNAL";
  }
}

async function connect({ data, port }: ForwardPair, dial: Dial, signal: AbortSignal): Promise<void> {
  await using conversation = await dial(port, { signal });
  data.reply?.();
  void feed(conversation, data);
  const finished = drain(conversation, data);
  finished.catch(() => undefined);
  // What waits for the device or the client is freed by disposing: an abort must not wait for them.
  const ended = await raceAbort(finished, signal);
  if (!ended) throw new UnavailableError("FORWARD_ENDED", "the connection was closed");
  const { status, message } = ended;
  if (status !== Status.OK)
    throw new UnavailableError(`FORWARD_${statusName(status)}`, message ?? statusName(status));
}

async function drain(conversation: Conversation, data: ForwardStream) {
  for await (const bytes of conversation.output) await data.write(bytes);
  return conversation.ended;
}

/** Ends quietly where either side goes away: `ended` and `lost` say why. */
async function feed(conversation: Conversation, data: ForwardStream): Promise<void> {
  try {
    for await (const bytes of data.input()) await conversation.write(bytes);
    await conversation.endInput();
  } catch {
    // A service that takes no more must not leave the client's bytes in the way of its other connections.
    data.discardInput();
  }
}
