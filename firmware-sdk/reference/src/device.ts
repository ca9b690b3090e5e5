import { ByeReason, Capability, LogLevel } from "@motelet/profiles";
import { ConsoleShell } from "./console.ts";
import type { DeviceLink } from "./link.ts";
import { LogRing } from "./log-ring.ts";
import { simulatedSensors } from "./sensors.ts";
import { type DeviceDescription, Session, type SessionCounters } from "./session.ts";
import type { SessionPhase } from "./session-machine.ts";
import type { ShellCommand } from "./shell.ts";

/** `offline`: no channel; `greeting` and `waiting`: no session yet; `rebooting`: for a moment. */
export type DeviceState = "stopped" | "offline" | "greeting" | "online" | "waiting" | "rebooting";

export interface DeviceOptions {
  readonly link: DeviceLink;
  /** For people only; the gateway knows a device by its link. */
  readonly name?: string;
  /** At most 16 bytes. */
  readonly board?: string;
  /** "name version", at most 20 bytes. */
  readonly firmware?: string;
  /** 1–12 bytes. */
  readonly hardwareId?: Uint8Array;
  /** 32 bits that name this boot: a durable counter; absent: entropy. Each reboot takes the next number. */
  readonly boot?: number;
  /** Called with the number of each further boot, to keep it. */
  readonly onBoot?: (boot: number) => void;
  /** Makes sensors and jitter repeatable. */
  readonly seed?: number;
  readonly maxMessageBytes?: number;
  readonly rxWindowBytes?: number;
  /** Streams that can be open at once. */
  readonly streams?: number;
  readonly logRingBytes?: number;
  readonly ramKiB?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Commands beside or instead of the usual ones. */
  readonly shell?: ReadonlyMap<string, ShellCommand>;
  readonly onState?: (state: DeviceState, reason: string) => void;
}

/** A reset takes this long, so that an answer and the last output are out before. */
const rebootMs = 150;
/** setTimeout holds 31 bits; a longer wait is cut, and the poll that comes early does nothing. */
const longestTimerMs = 0x7fff_ffff;

const capabilities =
  Capability.exec | Capability["log-read"] | Capability.reboot | Capability.time | Capability.stderr;

/**
 * A device in this process: the session with a clock, a link, sensors, a shell and a log ring. Like a board it loses
 * ring and session when it reboots.
 */
export class ReferenceDevice {
  readonly name: string;
  readonly link: DeviceLink;
  readonly #options: DeviceOptions;
  readonly #seed: number;
  readonly #console: ConsoleShell;
  #boot: number;
  #startedMs = 0;
  #session: Session;
  #state: DeviceState = "stopped";
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #rebootTimer: NodeJS.Timeout | undefined;
  #linkOpen = false;
  #offlineReason = "";

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.name = options.name ?? "device";
    this.link = options.link;
    this.#seed = options.seed ?? entropy();
    this.#boot = options.boot ?? entropy();
    this.#session = this.#newSession("power-on");
    const uptimeMs = () => now() - this.#startedMs;
    const host = {
      get uptimeMs() {
        return uptimeMs();
      },
      reboot: () => this.#rebootSoon(),
      log: (text: string) => this.log(text),
    };
    this.#console = new ConsoleShell((text) => this.print(text), host, options.shell);
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** The number of the running boot. */
  get boot(): number {
    return this.#boot;
  }

  get counters(): Readonly<SessionCounters> {
    return this.#session.counters;
  }

  /** Reports that the gateway has not stored yet. */
  get waitingReports(): number {
    return this.#session.waitingReports;
  }

  /** Powers on. Resolves when the link can be opened; the session comes by itself. */
  async start(): Promise<void> {
    this.#setState("offline", "started");
    await this.link.start({
      opened: () => {
        this.#linkOpen = true;
        if (this.#state === "rebooting") return;
        this.#session.open(now());
        this.#after("link opened");
      },
      closed: (reason) => {
        this.#linkOpen = false;
        this.#session.close();
        this.#after(reason);
      },
      message: (bytes) => {
        this.#session.receive(bytes, now());
        this.#after("message");
      },
      console: (bytes) => this.#console.input(bytes),
      heard: () => this.#session.heard(now()),
    });
    this.link.print?.(`${this.name}: boot ${this.#boot}\r\n`);
    this.log(`boot ${this.#boot}`);
  }

  /** Says goodbye and powers off. */
  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#clearTimer();
    clearTimeout(this.#rebootTimer);
    this.#session.leave(ByeReason.closing);
    this.#setState("stopped", "stopped");
    await this.link.stop();
  }

  /** Records a text report, which becomes a line of the device's log. */
  log(text: string, level: number = LogLevel.info): void {
    this.#session.log(text, now(), level);
    this.#after("log");
  }

  /** Prints on the console outside of frames, as printf does on a board. False: the carrier has no console. */
  print(text: string): boolean {
    this.link.print?.(text);
    return this.link.print !== undefined;
  }

  /** Resets without a word, as a watchdog would. */
  reboot(): void {
    this.#setState("rebooting", "reboot");
    this.#session.close();
    this.#clearTimer();
    clearTimeout(this.#rebootTimer);
    this.#boot = (this.#boot + 1) >>> 0;
    this.#options.onBoot?.(this.#boot);
    this.#rebootTimer = setTimeout(() => {
      this.#session = this.#newSession("software");
      this.#setState("offline", "rebooted");
      this.print(`${this.name}: boot ${this.#boot}\r\n`);
      this.log(`boot ${this.#boot}`);
      this.link.reset();
      if (this.#linkOpen) this.#session.open(now());
      this.#after("rebooted");
    }, rebootMs);
  }

  #newSession(cause: keyof typeof resetCauses): Session {
    const options = this.#options;
    const { maxMessageBytes = 1024, rxWindowBytes = 16_384, streams = 4, ramKiB = 512 } = options;
    this.#startedMs = now();
    const radio = this.link.carrier !== "serial";
    const sense = simulatedSensors({ seed: this.#seed, ramKiB, radio });
    return new Session(
      {
        boot: this.#boot,
        caps: capabilities,
        rtoMs: this.link.rtoMs,
        startedMs: this.#startedMs,
        maxMessageBytes,
        rxWindowBytes,
        streams,
        streamBufferBytes: rxWindowBytes,
        ring: new LogRing({ capacityBytes: options.logRingBytes ?? 8_192, epoch: entropy() }),
        description: describe(options, resetCauses[cause]),
        info: { arch: "virtual", os: "motelet", ramKiB, labels: Object.entries(options.labels ?? {}) },
        sense,
        ...(options.shell ? { shell: options.shell } : {}),
      },
      {
        send: (message, kind) => this.link.send(message, kind),
        reboot: () => this.#rebootSoon(),
      },
    );
  }

  #rebootSoon(): void {
    clearTimeout(this.#rebootTimer);
    this.#rebootTimer = setTimeout(() => this.reboot(), rebootMs);
  }

  /** After anything that may have moved the session: tells the state, sets the timer. */
  #after(reason: string): void {
    if (this.#state === "stopped" || this.#state === "rebooting") return;
    const states: Record<SessionPhase, DeviceState> = {
      closed: "offline",
      greeting: "greeting",
      online: "online",
      waiting: "waiting",
    };
    this.#setState(states[this.#session.phase], reason);
    const dueMs = this.#session.deadlineMs;
    // A timer that comes early finds nothing to do; setting it anew for each message would cost more.
    if (dueMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = dueMs;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.#session.poll(now());
        this.#after("timer");
      },
      Math.min(Math.max(1, Math.ceil(dueMs - now())), longestTimerMs),
    );
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #setState(state: DeviceState, reason: string): void {
    // A link that fails for another reason than before is news; that it fails again is not.
    const news = state === "offline" && reason !== this.#offlineReason;
    if (state === this.#state && !news) return;
    this.#state = state;
    this.#offlineReason = state === "offline" ? reason : "";
    this.#options.onState?.(state, reason);
  }
}

/** SPEC §3.3, key 9. */
const resetCauses = { "power-on": 1, software: 3 } as const;

function describe(options: DeviceOptions, resetCause: number): DeviceDescription {
  const { board = "virtual", firmware = "reference 0.1.0", hardwareId } = options;
  return { board, firmware, resetCause, ...(hardwareId ? { hardwareId } : {}) };
}

const now = () => performance.now();

/** 32 bits, never 0. */
function entropy(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) || 1;
}
