import { ByeReason, Capability, FirmwareState, LogLevel, ResetCause } from "@motelet/profiles";
import type { DeviceLink } from "../carrier/link.ts";
import { bootLine, defaultBuildId } from "../log/boot.ts";
import { Session } from "../session.ts";
import type { SessionPhase } from "../session-machine.ts";
import type { DeviceDescription, SessionCounters } from "../session-settings.ts";
import { type DeviceOptions, type DeviceState, deviceDefaults } from "./device-options.ts";
import { type PartName, ReferenceParts } from "./device-parts.ts";

/** A reset takes this long, so that an answer and the last output are out before. */
const rebootMs = 150;
/** setTimeout holds 31 bits; a longer wait is cut, and the poll that comes early does nothing. */
const longestTimerMs = 0x7fff_ffff;

/** Everything that `parts` and the shell have. */
const capabilities = [
  ...(["exec", "tty", "stderr", "console", "log-read", "reboot", "time"] as const),
  ...(["stats", "dial", "files", "peripherals"] as const),
].reduce((caps, name) => caps | Capability[name], 0);

/**
 * A device in this process: the session with a clock, a link, and the parts of a board. Like a board, it loses its
 * session and its running commands when it reboots; its files, its settings and its log ring survive.
 */
export class ReferenceDevice {
  readonly name: string;
  readonly link: DeviceLink;
  readonly #options: DeviceOptions;
  readonly #parts: ReferenceParts;
  #boot: number;
  #description: DeviceDescription;
  #session: Session;
  #state: DeviceState = "stopped";
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #rebootTimer: NodeJS.Timeout | undefined;
  #linkOpen = false;
  #offlineReason = "";
  #failed = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.name = options.name ?? "device";
    this.link = options.link;
    const seed = options.seed ?? entropy();
    this.#parts = new ReferenceParts(options, { seed, ringEpoch: entropy(), now });
    this.#boot = options.boot ?? entropy();
    this.#description = describe(options, ResetCause.powerOn);
    this.#session = this.#newSession();
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

  /** Powers on. Resolves when the link can be opened; the session starts by itself. */
  async start(): Promise<void> {
    this.#setState("offline", "started");
    await this.link.start({
      opened: () => {
        this.#linkOpen = true;
        if (this.#state === "rebooting") return;
        this.#do("link opened", "session", () => this.#session.open(now()));
      },
      closed: (reason) => {
        this.#linkOpen = false;
        this.#session.close();
        this.#after(reason, true);
      },
      message: (bytes) => this.#do("message", "session", () => this.#session.receive(bytes, now())),
      console: (bytes) => this.#typed(bytes),
      heard: () => this.#session.heard(now()),
    });
    this.#sayBoot();
  }

  /** Says goodbye and powers off. */
  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#clearTimer();
    clearTimeout(this.#rebootTimer);
    this.#session.leave(ByeReason.closing);
    this.#session.halt();
    this.#setState("stopped", "stopped");
    await this.link.stop();
  }

  /**
   * Ends the device permanently after an error in its code: it sends nothing more, and its link is closed. The reason
   * of its last state contains the cause. Never throws.
   */
  async fail(error: unknown): Promise<void> {
    if (this.#state === "stopped") return;
    this.#failed = true;
    // Before anything that may go wrong again.
    this.#setState("stopped", `failed: ${error instanceof Error ? error.message : String(error)}`);
    this.#clearTimer();
    clearTimeout(this.#rebootTimer);
    // What has failed may fail again; the link is closed all the same.
    try {
      this.#session.halt();
    } catch {}
    try {
      await this.link.stop();
    } catch {}
  }

  /** Whether an error in its code has ended it. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Records a text report, which becomes a line of the device's log. */
  log(text: string, level: number = LogLevel.info): void {
    this.#do("log", "session", () => this.#session.log(text, now(), level));
  }

  /**
   * Prints on the console like printf on a board: outside frames, and on the consoles of streams. False: the carrier
   * has no console.
   */
  print(text: string): boolean {
    this.link.print?.(text);
    this.#do("print", "console", () => this.#session.print(text.replaceAll("\r\n", "\n"), now()));
    return this.link.print !== undefined;
  }

  /** Resets without a message to the gateway, like a watchdog. */
  reboot(): void {
    this.#setState("rebooting", "reboot");
    this.#session.halt();
    this.#clearTimer();
    clearTimeout(this.#rebootTimer);
    this.#boot = (this.#boot + 1) >>> 0;
    this.#options.onBoot?.(this.#boot);
    this.#rebootTimer = setTimeout(() => {
      this.#parts.reset();
      this.#description = describe(this.#options, ResetCause.software);
      this.#session = this.#newSession();
      this.#setState("offline", "rebooted");
      this.#sayBoot();
      this.link.reset();
      if (this.#linkOpen) this.#session.open(now());
      this.#after("rebooted");
    }, rebootMs);
  }

  #sayBoot(): void {
    this.print(`${this.name}: boot ${this.#boot}\r\n`);
    this.log(bootLine(this.#boot, this.#description));
  }

  #typed(bytes: Uint8Array): void {
    if (this.#state === "rebooting") return;
    const print = (text: string) => this.link.print?.(text);
    this.#do("console", "console", () => this.#session.console(bytes, print, now()));
  }

  #newSession(): Session {
    const options = this.#options;
    const { maxMessageBytes, rxWindowBytes, streams, ramKiB } = { ...deviceDefaults, ...options };
    const startedMs = now();
    const parts = this.#parts;
    const session = new Session(
      {
        boot: this.#boot,
        caps: capabilities,
        rtoMs: this.link.rtoMs,
        startedMs,
        maxMessageBytes,
        rxWindowBytes,
        streams,
        // Twice a window, so that one can be filled while the other is on its way.
        streamBufferBytes: 2 * rxWindowBytes,
        parts,
        meter: parts.meter,
        description: this.#description,
        info: {
          arch: "virtual",
          os: "motelet",
          ramKiB,
          labels: Object.entries(options.labels ?? {}),
          firmwareSlot: 0,
          firmwareState: FirmwareState.confirmed,
        },
        sense: () => parts.sense(),
        ...(options.shell ? { shell: options.shell } : {}),
      },
      {
        send: (message, kind) => this.link.send(message, kind),
        reboot: () => this.#rebootSoon(),
        wake: () => this.#do("service", "services", () => session.poll(now())),
      },
    );
    parts.jobs = () => session.jobs;
    return session;
  }

  #rebootSoon(): void {
    clearTimeout(this.#rebootTimer);
    this.#rebootTimer = setTimeout(() => this.reboot(), rebootMs);
  }

  /** Does something on a part's account, and what has to be done after it. */
  #do(reason: string, part: PartName, run: () => void): void {
    this.#parts.charge(part, run);
    this.#after(reason);
  }

  /**
   * After anything that may have moved the session: tells the state, sets the timer.
   * @param failed the reason is why the link is closed, which is news where it differs from the one before
   */
  #after(reason: string, failed = false): void {
    if (this.#state === "stopped" || this.#state === "rebooting") return;
    const states: Record<SessionPhase, DeviceState> = {
      closed: "offline",
      greeting: "greeting",
      open: "online",
      paused: "waiting",
    };
    this.#setState(states[this.#session.phase], reason, failed);
    const dueMs = this.#session.deadlineMs;
    // A timer that comes early finds nothing to do; setting it again for each message would cost more.
    if (dueMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = dueMs;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.#do("timer", "session", () => this.#session.poll(now()));
      },
      Math.min(Math.max(1, Math.ceil(dueMs - now())), longestTimerMs),
    );
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #setState(state: DeviceState, reason: string, failed = false): void {
    // A link that fails for another reason than before is news; that it fails again is not.
    const news = failed && state === "offline" && reason !== this.#offlineReason;
    if (state === this.#state && !news) return;
    this.#state = state;
    this.#offlineReason = state === "offline" ? reason : "";
    this.#options.onState?.(state, reason);
  }
}

function describe(options: DeviceOptions, resetCause: number): DeviceDescription {
  const { board = "virtual", firmware = "reference 0.1.0", hardwareId } = options;
  const { buildId = defaultBuildId(firmware) } = options;
  return { board, firmware, buildId, resetCause, ...(hardwareId ? { hardwareId } : {}) };
}

const now = () => performance.now();

/** 32 bits, never 0. */
function entropy(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) || 1;
}
