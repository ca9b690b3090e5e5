import {
  type CborValue,
  type CommandRow,
  hasCommand,
  MessageError,
  Status,
  statusName,
} from "@motelet/profiles";
import { raceAbort } from "../../foundation/abort.ts";
import type { Clock } from "../../foundation/clock.ts";
import { MoteletError, ProtocolError, RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { ExchangeOutcome } from "../../session/exchange-table.ts";
import type { Session } from "../../session/session.ts";
import type { Stream } from "../../session/stream.ts";
import { describeUses, type StreamUse } from "../../session/stream-use.ts";
import type { Registry } from "../registry.ts";
import type { CallOptions } from "./call-options.ts";

/** Finds the session of a device by the registry's key. */
export interface SessionFinder {
  get(key: string): Session | undefined;
}

/** The names of a verb in its metrics and errors. */
export interface VerbWords {
  /** In metrics and sentences: `exec`. */
  readonly name: string;
  /** Begins the codes of its errors: `EXEC` for EXEC_UNAVAILABLE. */
  readonly code: string;
  /** Thrown if the firmware lacks the command. */
  readonly unsupported: string;
  /** What the device cannot do without it: `run commands`. */
  readonly can: string;
  /** What it did not do if it refuses: `start the command`. */
  readonly did: string;
}

/** A device that can be called now. */
export interface ReadyDevice {
  readonly key: string;
  readonly session: Session;
  /** Bits of its hello (SPEC §9). */
  readonly caps: number;
}

type Row<Args, Result> = Pick<
  CommandRow<Args, Result>,
  "op" | "name" | "capability" | "encodeRequest" | "decodeResult"
>;

/** Turns an answer other than OK into an error. */
export type Refuse = (key: string, words: VerbWords, outcome: ExchangeOutcome) => MoteletError;

/** How long a command waits for a device that is about to come back. Milliseconds. */
const returnWaitMs = 3_000;

/** What all verbs share: sessions, streams, answers, and the errors if there are none. */
export class DeviceCalls {
  readonly #registry: Registry;
  readonly #sessions: SessionFinder;
  readonly #clock: Clock;
  readonly #asked;

  constructor(options: { registry: Registry; sessions: SessionFinder; clock: Clock; metrics: Metrics }) {
    this.#registry = options.registry;
    this.#sessions = options.sessions;
    this.#clock = options.clock;
    this.#asked = options.metrics.counter(
      "motelet_verbs_total",
      "Calls to devices, by outcome of the start: OK or the code of the error.",
      ["verb", "status"],
    );
  }

  /** Counts the outcome of a call. */
  async counted<T>(words: VerbWords, ask: () => Promise<T>): Promise<T> {
    try {
      const result = await ask();
      this.#asked.inc({ verb: words.name, status: statusName(Status.OK) });
      return result;
    } catch (error) {
      this.#asked.inc({ verb: words.name, status: error instanceof MoteletError ? error.code : "INTERNAL" });
      throw error;
    }
  }

  /**
   * The device, if it is online and has the command.
   * @throws UnavailableError DEVICE_OFFLINE; RequestError of `words.unsupported`
   */
  async ready(
    key: string,
    row: Pick<CommandRow<unknown, unknown>, "capability">,
    words: VerbWords,
    signal: AbortSignal,
  ): Promise<ReadyDevice> {
    const device = await this.find(key, signal);
    if (!device) throw new UnavailableError("DEVICE_OFFLINE", `device ${key} is not connected`);
    if (!hasCommand(device.caps, row)) throw unsupported(key, row, words);
    return device;
  }

  /**
   * The device, if it is online. A device that counts as Online but has no session is about to return, because the
   * gateway or its line has just started. If the Device has `wait`, a sleeping device is waited for until it wakes or
   * counts as lost.
   */
  async find(key: string, signal: AbortSignal): Promise<ReadyDevice | undefined> {
    const look = (): ReadyDevice | undefined => {
      const session = this.#sessions.get(key);
      const hello = session?.isUp ? session.hello : undefined;
      return session && hello ? { key, session, caps: hello.caps ?? 0 } : undefined;
    };
    const found = look();
    const isAwaited = (): boolean => {
      const facts = this.#registry.get(key);
      return facts?.phase === "Online" || (facts?.phase === "Asleep" && facts.spec.sleep?.wait === true);
    };
    if (found || !isAwaited()) return found;
    const { promise, resolve } = Promise.withResolvers<ReadyDevice | undefined>();
    const unsubscribe = this.#registry.changes.subscribe((changed) => {
      if (changed === key && (!isAwaited() || look())) resolve(look());
    });
    const sleeps = this.#registry.get(key)?.phase === "Asleep";
    // A sleeper needs no timer: it comes, or counts as lost in time.
    const timer = sleeps ? undefined : this.#clock.after(returnWaitMs, () => resolve(undefined));
    try {
      return await raceAbort(promise, signal);
    } finally {
      timer?.cancel();
      unsubscribe();
    }
  }

  /**
   * Opens all streams that one use needs, or none.
   * @param what for the error of callers that find no free stream: `exec top`
   * @throws UnavailableError STREAMS_EXHAUSTED
   */
  openStreams(device: ReadyDevice, what: string, count: number, { caller }: CallOptions): Stream[] {
    const { key, session } = device;
    const sinceMs = this.#clock.monotonicMs();
    const use: StreamUse = { what, sinceMs, ...(caller === undefined ? {} : { who: caller }) };
    const inUse = session.streamUses;
    const opened: Stream[] = [];
    while (opened.length < count) {
      const stream = session.openStream(use);
      if (!stream) {
        for (const abandoned of opened) abandoned.cancel();
        const users = describeUses(inUse, sinceMs);
        throw new UnavailableError(
          "STREAMS_EXHAUSTED",
          `device ${key} has all of its streams in use: ${users}`,
        );
      }
      opened.push(stream);
    }
    return opened;
  }

  /** The same for a use that needs one stream. */
  openStream(device: ReadyDevice, what: string, options: CallOptions): Stream {
    const [stream] = this.openStreams(device, what, 1, options);
    if (!stream) throw new Error("expected openStreams to return the requested number of streams");
    return stream;
  }

  /**
   * Sends a request and decodes the answer. A request that opens streams names them: they are cancelled if it does not
   * start.
   * @throws the error that `refuse` makes of an answer other than OK; UnavailableError `<code>_CANCELLED` if the signal
   * aborts first; ProtocolError `<code>_ANSWER` for an answer that cannot be decoded
   */
  async ask<Args, Result>(
    device: ReadyDevice,
    row: Row<Args, Result>,
    args: Args,
    options: {
      words: VerbWords;
      signal: AbortSignal;
      streams?: readonly Stream[];
      refuse?: Refuse;
      /** By which the device says that it has no stream or slot free; default RESOURCE_EXHAUSTED. */
      fullStatus?: number;
    },
  ): Promise<Result> {
    const { words, signal, streams = [], refuse = refusal, fullStatus = Status.RESOURCE_EXHAUSTED } = options;
    const { key, session } = device;
    const abandon = () => {
      for (const stream of streams) stream.cancel();
    };
    let values: CborValue[];
    try {
      values = row.encodeRequest(args);
    } catch (cause) {
      abandon();
      if (!(cause instanceof MessageError)) throw cause;
      throw new RequestError(`${words.code}_INVALID_ARGUMENT`, cause.message, { cause });
    }
    const answer = session.call(row.op, values);
    const outcome = await raceAbort(answer, signal);
    if (!outcome) {
      // It may be that the device starts it yet: what it starts is cancelled then.
      if (streams.length > 0) void answer.then(abandon);
      const message = `${words.name} on device ${key} was cancelled before it was answered`;
      throw new UnavailableError(`${words.code}_CANCELLED`, message);
    }
    if (outcome.status !== Status.OK) {
      abandon();
      const isFull = streams.length > 0 && outcome.status === fullStatus && outcome.message === undefined;
      throw refuse(key, words, isFull ? { ...outcome, message: this.#whoIsThere(session) } : outcome);
    }
    try {
      return row.decodeResult(outcome.result);
    } catch (cause) {
      abandon();
      if (!(cause instanceof MessageError)) throw cause;
      const message = `device ${key} answers ${row.name} with what cannot be read: ${cause.message}`;
      throw new ProtocolError(`${words.code}_ANSWER`, message, { cause });
    }
  }

  /** Why a device has no room for one more stream, as far as the gateway knows. */
  #whoIsThere({ maxStreams, streamUses }: Session): string {
    if (streamUses.length === 0)
      return `it has no room for it now, although the gateway uses none of its ${maxStreams} streams`;
    const users = describeUses(streamUses, this.#clock.monotonicMs());
    return `${streamUses.length} of its ${maxStreams} streams are in use: ${users}`;
  }
}

/** The error of a device whose firmware lacks a command. */
function unsupported(
  key: string,
  row: Pick<CommandRow<unknown, unknown>, "capability">,
  words: VerbWords,
): RequestError {
  return new RequestError(
    words.unsupported,
    `device ${key} cannot ${words.can}: its firmware lacks the capability ${row.capability}`,
  );
}

/** Answers by which the device says that the request itself is at fault. */
const mend: readonly number[] = [
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.OUT_OF_RANGE,
  Status.PERMISSION_DENIED,
  Status.UNIMPLEMENTED,
  Status.FAILED_PRECONDITION,
];

/** The error for an answer other than OK, in the words of its status. */
export function refusal(key: string, words: VerbWords, outcome: ExchangeOutcome): MoteletError {
  const code = `${words.code}_${statusName(outcome.status)}`;
  if (outcome.effectUnknown) {
    const unknown = `it is not known whether it did ${words.did}`;
    return new UnavailableError(code, `device ${key} gave no answer: ${outcome.message}; ${unknown}`);
  }
  const message = `device ${key} did not ${words.did}: ${outcome.message ?? statusName(outcome.status)}`;
  return mend.includes(outcome.status)
    ? new RequestError(code, message)
    : new UnavailableError(code, message);
}
