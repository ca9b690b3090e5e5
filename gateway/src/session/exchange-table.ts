import {
  type CborValue,
  commandByOp,
  commands,
  encodeMessage,
  limits,
  MessageError,
  type ResponseMessage,
  Status,
  serialAdd,
  statusName,
} from "@motelet/profiles";
import { messageOf } from "../foundation/errors.ts";
import type { SessionMeters } from "./session-meters.ts";
import { idBlock, type SessionRecord } from "./session-record.ts";

/** How an exchange ended: the device's answer, or the reason why there is none. */
export interface ExchangeOutcome {
  readonly status: number;
  readonly result: readonly CborValue[];
  /** A sentence for people, if the status is not from the device. */
  readonly message?: string;
  /** The request has an effect and was sent, but no answer arrived: it is unknown whether it took effect. */
  readonly effectUnknown?: true;
}

export interface ExchangeHost {
  readonly meters: SessionMeters;
  /** False: dropped; it will be repeated. */
  send(message: Uint8Array): boolean;
  /** Makes a record durable before anything that depends on it is sent. */
  store(record: SessionRecord): Promise<void>;
  wake(): void;
  nowMs(): number;
  /** Retransmission time-out of the channel that carries the session. */
  rtoMs(): number;
  maxMessageBytes(): number;
}

interface Exchange {
  readonly id: number;
  readonly op: number;
  readonly bytes: Uint8Array;
  readonly deadlineMs: number;
  waitMs: number;
  dueMs: number;
  readonly settle: (outcome: ExchangeOutcome) => void;
}

/**
 * How long the record of an ended at-most-once request stays in the store if no other follows. Deleting it at once would cost
 * each command a second commit, which would delay the command's output. Milliseconds.
 */
export const strikeAfterMs = 1_000;

/** Bounds of one device's requests. */
export const exchangeLimits = {
  /** In flight at the same time. */
  outstanding: 16,
  /** At-most-once requests that wait for the one in flight. */
  waitingAtMostOnce: 8,
} as const;

/**
 * The requests of one session (SPEC §5.5): numbers them from a stored block, repeats them, and matches responses. Only
 * one at-most-once request runs at a time, and it is stored before it is sent.
 */
export class ExchangeTable {
  readonly #host: ExchangeHost;
  readonly #exchanges = new Map<number, Exchange>();
  /** What the store has or is about to have: writes are committed in their order. */
  #record: SessionRecord | undefined;
  #nextId = 0;
  /** Ids before it are reserved in the store for sure. */
  #idLimit = 0;
  #reserving: Promise<void> | undefined;
  #onceTurn: Promise<unknown> = Promise.resolve();
  #waitingAtMostOnce = 0;
  /** When the stored at-most-once request, which has ended, is struck; undefined: none is stored, or it is under way. */
  #strikeAtMs: number | undefined;
  /** Raised with each session, so that what waited for its turn does not slip into the next one. */
  #session = 0;

  constructor(host: ExchangeHost) {
    this.#host = host;
  }

  get outstanding(): number {
    return this.#exchanges.size;
  }

  /** Restores a stored record: new ids start after all ids that may have been used. */
  begin(record: SessionRecord): void {
    this.#record = record;
    this.#strikeAtMs = undefined;
    this.#session += 1;
    this.#idLimit = record.idLimit;
    this.#nextId = serialAdd(record.idLimit, -idBlock);
  }

  /** An id for a request without a waiting caller; undefined until the next block is stored. */
  takeId(): number | undefined {
    const left = serialAdd(this.#idLimit, -this.#nextId);
    if (left <= idBlock / 4) void this.#reserve();
    if (left === 0 || !this.#record) return undefined;
    const id = this.#nextId;
    this.#nextId = serialAdd(id, 1);
    return id;
  }

  /** Sends a request and waits for its outcome. Never throws. */
  async call(op: number, args: readonly CborValue[]): Promise<ExchangeOutcome> {
    const row = commandByOp(op);
    if (!row) return failed(Status.UNIMPLEMENTED, `op ${op} is not in the command table`);
    if (this.#exchanges.size >= exchangeLimits.outstanding)
      return this.#refused(
        Status.RESOURCE_EXHAUSTED,
        `device has ${this.#exchanges.size} requests in flight`,
      );
    if (row.effect !== "at-most-once") return this.#send(op, args, row.deadlineMs, false);
    if (this.#waitingAtMostOnce >= exchangeLimits.waitingAtMostOnce)
      return this.#refused(
        Status.RESOURCE_EXHAUSTED,
        `device has ${this.#waitingAtMostOnce} commands waiting`,
      );
    const session = this.#session;
    const turn = this.#onceTurn.then(() =>
      session === this.#session
        ? this.#send(op, args, row.deadlineMs, true)
        : failed(Status.UNAVAILABLE, "the device disconnected before the command was sent"),
    );
    this.#waitingAtMostOnce += 1;
    this.#onceTurn = turn;
    return turn.finally(() => {
      this.#waitingAtMostOnce -= 1;
    });
  }

  received(response: ResponseMessage): void {
    const { id, status, result } = response;
    this.#exchanges.get(id)?.settle({ status, result });
  }

  /** Repeats requests that are due and ends those past their deadline. */
  poll(nowMs: number): void {
    if (this.#strikeAtMs !== undefined && nowMs >= this.#strikeAtMs) this.#strike();
    for (const exchange of this.#exchanges.values()) {
      if (nowMs >= exchange.deadlineMs) {
        exchange.settle(
          unanswered(exchange.op, Status.DEADLINE_EXCEEDED, "the device did not answer in time"),
        );
      } else if (nowMs >= exchange.dueMs) {
        this.#host.meters.requestsRepeated.inc();
        this.#host.send(exchange.bytes);
        exchange.waitMs = Math.min(exchange.waitMs * 2, limits.rtoBackoff * this.#host.rtoMs());
        exchange.dueMs = nowMs + exchange.waitMs;
      }
    }
  }

  get dueMs(): number | undefined {
    let dueMs = this.#strikeAtMs;
    for (const exchange of this.#exchanges.values())
      dueMs = Math.min(dueMs ?? Number.POSITIVE_INFINITY, exchange.dueMs, exchange.deadlineMs);
    return dueMs;
  }

  /** Repeats all requests at once: the session has another channel or was resumed. */
  restart(): void {
    const nowMs = this.#host.nowMs();
    for (const exchange of this.#exchanges.values()) {
      exchange.waitMs = this.#host.rtoMs() / 2;
      exchange.dueMs = nowMs;
    }
  }

  /** The device has lost the session: the effect of an at-most-once request is unknown, except that a reboot has happened. */
  abortAll(rebooted: boolean): void {
    this.#strike();
    this.#session += 1;
    const message = rebooted ? "the device has rebooted" : "the device has lost its session";
    for (const exchange of [...this.#exchanges.values()]) {
      const done = rebooted && exchange.op === commands.reboot.op;
      exchange.settle(
        done ? { status: Status.OK, result: [] } : unanswered(exchange.op, Status.ABORTED, message),
      );
    }
  }

  /** The device is lost. */
  failAll(message: string): void {
    this.#strike();
    this.#session += 1;
    for (const exchange of [...this.#exchanges.values()])
      exchange.settle(unanswered(exchange.op, Status.UNAVAILABLE, message));
  }

  async #send(
    op: number,
    args: readonly CborValue[],
    deadlineMs: number,
    once: boolean,
  ): Promise<ExchangeOutcome> {
    const session = this.#session;
    const id = this.takeId() ?? (await this.#reserve().then(() => this.takeId()));
    if (id === undefined) return this.#refused(Status.UNAVAILABLE, "no request ids could be stored");
    const encoded = encodeRequest(id, op, args, this.#host.maxMessageBytes());
    if ("status" in encoded) return encoded;
    if (once && !(await this.#storeOnce({ id, op })))
      return this.#refused(Status.UNAVAILABLE, "the command could not be stored before sending");
    if (session !== this.#session)
      return failed(Status.UNAVAILABLE, "the device disconnected before the command was sent");
    const outcome = await this.#exchange(id, op, encoded.bytes, deadlineMs);
    if (once && session === this.#session) {
      this.#strikeAtMs = this.#host.nowMs() + strikeAfterMs;
      this.#host.wake();
    }
    return outcome;
  }

  /** Not waited for: a record that is left over says no more than that the effect is unknown. */
  #strike(): void {
    if (this.#strikeAtMs !== undefined) void this.#storeOnce(undefined);
  }

  #exchange(id: number, op: number, bytes: Uint8Array, deadlineMs: number): Promise<ExchangeOutcome> {
    const nowMs = this.#host.nowMs();
    const waitMs = this.#host.rtoMs();
    return new Promise((resolve) => {
      const settle = (outcome: ExchangeOutcome) => {
        this.#exchanges.delete(id);
        const command = commandByOp(op)?.name ?? "unknown";
        this.#host.meters.requests.inc({ command, status: statusName(outcome.status) });
        resolve(outcome);
      };
      this.#exchanges.set(id, {
        id,
        op,
        bytes,
        waitMs,
        dueMs: nowMs + waitMs,
        deadlineMs: nowMs + deadlineMs,
        settle,
      });
      this.#host.send(bytes);
      this.#host.wake();
    });
  }

  #refused(status: Status, message: string): ExchangeOutcome {
    this.#host.meters.requestsRefused.inc({ status: statusName(status) });
    return failed(status, message);
  }

  async #storeOnce(once: { id: number; op: number } | undefined): Promise<boolean> {
    this.#strikeAtMs = undefined;
    if (!this.#record) return false;
    const { sid, boot, idLimit } = this.#record;
    return this.#store({ sid, boot, idLimit, ...(once ? { once } : {}) });
  }

  #reserve(): Promise<void> {
    this.#reserving ??= this.#reserveBlock().finally(() => {
      this.#reserving = undefined;
    });
    return this.#reserving;
  }

  async #reserveBlock(): Promise<void> {
    if (!this.#record) return;
    const session = this.#session;
    const idLimit = serialAdd(this.#idLimit, idBlock);
    if ((await this.#store({ ...this.#record, idLimit })) && session === this.#session)
      this.#idLimit = idLimit;
  }

  async #store(record: SessionRecord): Promise<boolean> {
    this.#record = record;
    try {
      await this.#host.store(record);
      return true;
    } catch {
      // The store counts and logs its failures; here it means that nothing may be sent.
      return false;
    }
  }
}

function failed(status: number, message: string): ExchangeOutcome {
  return { status, result: [], message };
}

/** The outcome of a request that was sent. */
function unanswered(op: number, status: number, message: string): ExchangeOutcome {
  const outcome = failed(status, message);
  return commandByOp(op)?.effect === "none" ? outcome : { ...outcome, effectUnknown: true };
}

function encodeRequest(
  id: number,
  op: number,
  args: readonly CborValue[],
  limit: number,
): { readonly bytes: Uint8Array } | ExchangeOutcome {
  const name = commandByOp(op)?.name ?? op;
  try {
    const bytes = encodeMessage({ kind: "request", id, op, args });
    if (bytes.length <= limit) return { bytes };
    return failed(
      Status.OUT_OF_RANGE,
      `${name} needs a message of ${bytes.length} bytes: the device accepts at most ${limit}`,
    );
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    return failed(
      Status.INVALID_ARGUMENT,
      `${name}: ${messageOf(error)} (${statusName(Status.INVALID_ARGUMENT)})`,
    );
  }
}
