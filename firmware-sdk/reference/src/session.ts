import {
  CborError,
  decodeMessage,
  defaults,
  encodeMessage,
  type HelloMessage,
  LogLevel,
  type Message,
  MessageError,
  type MessageKind,
  profileVersion,
  type RequestMessage,
  Status,
  type UnknownMessage,
} from "@motelet/profiles";
import type { CommandContext } from "./command.ts";
import { Consoles } from "./console/consoles.ts";
import { splitText } from "./console/text.ts";
import { dispatch } from "./dispatch.ts";
import { type Answer, AtMostOnceRecord } from "./exchange.ts";
import { ReportSender } from "./reports.ts";
import { type SessionEffect, SessionMachine, type SessionPhase } from "./session-machine.ts";
import type { SessionCounters, SessionOutput, SessionSettings } from "./session-settings.ts";
import type { ShellHost, ShellJob } from "./shell/job.ts";
import type { DeviceParts } from "./shell/process.ts";
import { StreamTable } from "./streams.ts";

/**
 * A device's session on one channel at a time: the driver of the machine, the at-most-once record, the streams and the reports
 * (SPEC §5). It has no clock and no I/O: call `poll` at `deadlineMs` and after every other call.
 */
export class Session {
  readonly counters: SessionCounters = { refused: 0, ignored: 0, dropped: 0 };
  readonly #settings: SessionSettings;
  readonly #output: SessionOutput;
  readonly #machine: SessionMachine;
  readonly #atMostOnce = new AtMostOnceRecord();
  readonly #parts: DeviceParts;
  readonly #jobs = new Set<ShellJob>();
  readonly #host: ShellHost;
  readonly #streams: StreamTable;
  readonly #consoles: Consoles;
  readonly #reports: ReportSender | undefined;
  #nowMs: number;
  /** Unix milliseconds at device time 0; undefined until a welcome. */
  #wallOffsetMs: number | undefined;
  #rebootWanted = false;

  constructor(settings: SessionSettings, output: SessionOutput) {
    this.#settings = settings;
    this.#output = output;
    this.#nowMs = settings.startedMs;
    this.#machine = new SessionMachine(settings.rtoMs);
    this.#parts = settings.parts ?? {};
    this.#host = this.#shellHost();
    this.#streams = new StreamTable(settings);
    this.#consoles = new Consoles(this.#host, settings.shell);
    const { ring } = this.#parts;
    this.#reports = ring && new ReportSender(ring, settings.rtoMs);
  }

  get phase(): SessionPhase {
    return this.#machine.phase;
  }

  /** Reports that the gateway has not stored yet. */
  get waitingReports(): number {
    return this.#reports?.waiting ?? 0;
  }

  get openStreams(): number {
    return this.#streams.openStreams;
  }

  /** The running commands. */
  get jobs(): ReadonlySet<ShellJob> {
    return this.#jobs;
  }

  /** When `poll` must be called next; Infinity: not before an input arrives. */
  get deadlineMs(): number {
    const any = Math.min(this.#machine.deadlineMs, this.#streams.wakeAtMs, this.#consoles.wakeAtMs);
    if (this.#machine.phase !== "open") return any;
    return Math.min(any, this.#streams.deadlineMs, this.#reports?.deadlineMs ?? any);
  }

  /** The channel has opened: sends hello. */
  open(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#act(this.#machine.open(nowMs));
  }

  /** The channel is closed. The session's state is kept for the next one. */
  close(): void {
    this.#machine.close();
  }

  /** Says goodbye and closes. */
  leave(reason: number): void {
    if (this.#machine.phase === "open") this.#send({ kind: "bye", reason });
    this.#machine.close();
  }

  /** The device resets: running commands end, and nothing more is sent. */
  halt(): void {
    this.#machine.close();
    this.#streams.clear();
    for (const job of this.#jobs) job.kill();
  }

  /** The carrier's own proof that the gateway is alive, such as a PINGRESP. */
  heard(nowMs: number): void {
    this.#machine.heard(nowMs);
  }

  poll(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#act(this.#machine.poll(nowMs));
    if (this.#machine.phase === "open") {
      this.#streams.poll(nowMs);
      this.#reports?.poll(nowMs);
    }
    this.#pump();
    this.#rebootIfWanted();
  }

  /** Processes one message from the channel. A faulty one is counted, never thrown. */
  receive(bytes: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    const message = this.#decode(bytes);
    if (!message || this.#machine.phase === "closed") return;
    this.#machine.heard(nowMs);
    this.#handle(message);
    this.#pump();
    this.#rebootIfWanted();
  }

  /**
   * Accepts input of the serial line's console.
   * @param print receives its output
   */
  console(bytes: Uint8Array, print: (text: string) => void, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#consoles.lineInput(bytes, print);
    this.#pump();
    this.#rebootIfWanted();
  }

  /** Prints a text on the consoles of streams. */
  print(text: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#consoles.tell(text);
    this.#pump();
  }

  /** Records a text report; a long one becomes several. Does nothing on a device without a ring. */
  log(text: string, nowMs: number, level: number = LogLevel.info): void {
    this.#nowMs = nowMs;
    this.#record(text, level);
    this.#pump();
  }

  #record(text: string, level: number): void {
    const { maxMessageBytes } = this.#settings;
    const { ring, settings } = this.#parts;
    if (level < LogLevel[(settings?.get("log-level") ?? "debug") as keyof typeof LogLevel]) return;
    this.#consoles.tell(`${text}\n`);
    if (!ring || !this.#reports) return;
    for (const part of splitText(text, maxMessageBytes - reportOverheadBytes)) {
      if (this.#reports.exhausted) {
        ring.renew((ring.positions.epoch + 1) >>> 0);
        this.#reports.startEpoch();
        this.#act(this.#machine.renew(this.#nowMs));
      }
      ring.record({ type: "text", level, text: part }, this.#nowMs);
    }
  }

  #decode(bytes: Uint8Array): Message | undefined {
    try {
      return decodeMessage(bytes, this.#settings.maxMessageBytes).message;
    } catch (error) {
      if (!(error instanceof CborError || error instanceof MessageError)) throw error;
      this.counters.refused++;
      return undefined;
    }
  }

  #handle(message: Message): void {
    const open = this.#machine.phase === "open";
    switch (message.kind) {
      case "welcome":
        this.#act(this.#machine.welcome(message, this.#nowMs));
        break;
      case "bye":
        this.#act(this.#machine.bye(message.reason, message.seconds, this.#nowMs));
        break;
      case "request":
        if (open) this.#answer(message);
        break;
      case "ack":
        if (open) this.#reports?.acknowledge(message.storedSeq);
        break;
      case "data":
        if (open) this.#send(this.#streams.data(message));
        break;
      case "credit":
        if (open) this.#streams.credit(message);
        break;
      default:
        this.counters.ignored++;
    }
  }

  #answer(request: RequestMessage): void {
    const respond = (answer: Answer) => this.#respond(request.id, answer);
    const answer = dispatch(
      request,
      this.#settings.caps,
      this.#atMostOnce,
      this.#commandContext(),
      (late) => {
        if (this.#machine.phase === "open") respond(late);
      },
    );
    if (answer) respond(answer);
  }

  #respond(id: number, answer: Answer): void {
    const encoded = encodeMessage({ kind: "response", id, ...answer });
    if (encoded.length <= this.#settings.maxMessageBytes) this.#transmit(encoded, "response");
    else this.#send({ kind: "response", id, status: Status.OUT_OF_RANGE, result: [] });
  }

  #commandContext(): CommandContext {
    const { maxMessageBytes, info, shell } = this.#settings;
    return {
      nowMs: this.#nowMs,
      maxMessageBytes,
      rtoMs: this.#machine.rtoMs,
      wallMs: () => (this.#wallOffsetMs === undefined ? undefined : this.#wallOffsetMs + this.#nowMs),
      info: info ?? {},
      parts: this.#parts,
      streams: this.#streams,
      consoles: this.#consoles,
      host: this.#host,
      shell,
      wake: () => this.#output.wake?.(),
      reboot: () => this.#host.reboot(),
    };
  }

  #shellHost(): ShellHost {
    const session = this;
    const { meter, startedMs } = this.#settings;
    return {
      get uptimeMs() {
        return session.#nowMs - startedMs;
      },
      get nowMs() {
        return session.#nowMs;
      },
      parts: this.#parts,
      meter,
      jobs: this.#jobs,
      reboot() {
        session.#rebootWanted = true;
      },
      log: (text) => session.#record(text, LogLevel.info),
    };
  }

  #rebootIfWanted(): void {
    if (!this.#rebootWanted) return;
    this.#rebootWanted = false;
    this.#output.reboot();
  }

  #act(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "hello":
          this.#send(this.#hello());
          break;
        case "beat":
          this.#send({ kind: "beat", uptimeS: this.#uptimeS, ...this.#settings.sense?.(this.#nowMs) });
          break;
        case "joined":
          this.#join(effect);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #join({ welcome, fresh, halfTripMs }: SessionEffect & { kind: "joined" }): void {
    this.#wallOffsetMs = welcome.time.s * 1000 + welcome.time.ms + halfTripMs - this.#nowMs;
    if (fresh) this.#atMostOnce.clear();
    if (fresh || !welcome.streamsKept) this.#streams.clear();
    else this.#streams.resume(welcome.rtoMs);
    this.#reports?.restart(welcome);
  }

  #hello(): HelloMessage {
    const { boot, caps, maxMessageBytes, rxWindowBytes, streams, description } = this.#settings;
    const { ring } = this.#parts;
    return {
      kind: "hello",
      version: profileVersion,
      boot,
      attempt: this.#machine.attempt,
      sid: this.#machine.sid,
      caps,
      maxMessageBytes,
      rxWindowBytes,
      ...description,
      ...(ring ? { ring: ring.positions } : {}),
      uptimeS: this.#uptimeS,
      ...(streams === defaults.streams ? {} : { streams }),
    };
  }

  get #uptimeS(): number {
    return Math.floor((this.#nowMs - this.#settings.startedMs) / 1000);
  }

  /** Sends what reports and streams have to say, as far as their windows allow. */
  #pump(): void {
    this.#consoles.pump();
    this.#streams.pump(this.#nowMs);
    if (this.#machine.phase !== "open") return;
    for (let report = this.#reports?.next(this.#nowMs); report; report = this.#reports?.next(this.#nowMs)) {
      this.#send(report);
    }
    for (let next = this.#streams.next(this.#nowMs); next; next = this.#streams.next(this.#nowMs)) {
      this.#send(next);
    }
  }

  #send(message: Exclude<Message, UnknownMessage>): void {
    this.#transmit(encodeMessage(message), message.kind);
  }

  #transmit(encoded: Uint8Array, kind: MessageKind): void {
    if (!this.#output.send(encoded, kind)) this.counters.dropped++;
  }
}

/** Largest encoding of a text report without its text: array, kind, seq, age, type, level, head of the text. */
const reportOverheadBytes = 1 + 1 + 3 + 5 + 1 + 1 + 3;
