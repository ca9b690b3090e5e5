import { LogRing } from "../log-ring.ts";
import type { SensorValues } from "../session-settings.ts";
import type { ShellJob } from "../shell/job.ts";
import type { DeviceParts, Peripheral } from "../shell/process.ts";
import type { DeviceStats, TaskStats } from "../stats.ts";
import { type CpuAccount, CpuMeter } from "./cpu-meter.ts";
import { type DeviceOptions, deviceDefaults } from "./device-options.ts";
import { FileFolder } from "./file-folder.ts";
import { FileStore } from "./file-store.ts";
import { adcPeripheral, switchPeripheral } from "./peripherals.ts";
import { type SimulatedSensors, seededRandom, simulatedSensors, Wanderer } from "./sensors.ts";
import { builtInServices, type Services } from "./services.ts";
import { Settings } from "./settings.ts";

/** Parts whose processor time is measured separately, in addition to the running commands. */
export type PartName = "session" | "console" | "sensors" | "services";

/** The parts of a device in this process. Unused parts are not created, to keep a fleet small. */
export class ReferenceParts implements DeviceParts {
  readonly ring: LogRing;
  readonly settings = new Settings();
  readonly services: Services;
  readonly #options: DeviceOptions;
  readonly #seed: number;
  readonly #now: () => number;
  /** The running commands; set by the device at each boot. */
  jobs: () => Iterable<ShellJob> = () => [];
  #files: FileStore | undefined;
  #peripherals: readonly Peripheral[] | undefined;
  #sensors: SimulatedSensors;
  #meter: CpuMeter;
  #accounts: CpuAccount[] = [];
  #lastBeat = { atMs: 0, cpuMs: 0 };

  /**
   * @param options.ringEpoch identifies the lifetime of the ring's memory
   * @throws UnavailableError if the folder of its files cannot be read
   */
  constructor(
    device: DeviceOptions,
    options: { readonly seed: number; readonly ringEpoch: number; readonly now: () => number },
  ) {
    const { logRingBytes = deviceDefaults.logRingBytes, services, filesFolder } = device;
    this.#options = device;
    this.#seed = options.seed;
    this.#now = options.now;
    this.ring = new LogRing({ capacityBytes: logRingBytes, epoch: options.ringEpoch });
    this.services = services ? new Map([...builtInServices, ...services]) : builtInServices;
    this.#sensors = this.#newSensors();
    this.#meter = new CpuMeter(options.now);
    if (filesFolder !== undefined) this.#files = this.#newFiles(filesFolder);
  }

  get files(): FileStore {
    this.#files ??= this.#newFiles();
    return this.#files;
  }

  get peripherals(): readonly Peripheral[] {
    this.#peripherals ??= (this.#options.peripherals ?? (() => this.#usualPeripherals()))();
    return this.#peripherals;
  }

  get meter(): CpuMeter {
    return this.#meter;
  }

  /** Resets the parts. Files, settings and the ring survive; the ring then belongs to an earlier boot. */
  reset(): void {
    this.ring.carryOver();
    this.#peripherals = undefined;
    this.#sensors = this.#newSensors();
    this.#meter = new CpuMeter(this.#now);
    this.#accounts = [];
    this.#lastBeat = { atMs: this.#now(), cpuMs: 0 };
  }

  /** Runs a function on a part's account. */
  charge<T>(name: PartName, run: () => T): T {
    let account = this.#accounts.find((known) => known.name === name);
    if (!account) {
      account = { name, busyMs: 0 };
      this.#accounts.push(account);
    }
    return this.#meter.measure(account, run);
  }

  /** The readings of the next beat; the processor's share since the last one is measured. */
  sense(): SensorValues {
    return this.charge("sensors", () => {
      const values = this.#sensors.sense();
      const beat = { atMs: this.#now(), cpuMs: this.#meter.totalMs };
      const elapsedMs = Math.max(1, beat.atMs - this.#lastBeat.atMs);
      const percent = Math.round(((beat.cpuMs - this.#lastBeat.cpuMs) * 100) / elapsedMs);
      this.#lastBeat = beat;
      const offset = Number(this.settings.get("temperature-offset"));
      return {
        ...values,
        temperatureC: (values.temperatureC ?? 0) + offset,
        cpuPercent: Math.min(100, Math.max(0, percent)),
      };
    });
  }

  stats(): DeviceStats {
    const { ramKiB = deviceDefaults.ramKiB } = this.#options;
    const { freeBytes, minBytes } = this.#sensors.heap;
    const accounts = [...this.#accounts, ...[...this.jobs()].map(({ account }) => account)];
    return {
      cpuMs: this.#meter.totalMs,
      heapTotalBytes: ramKiB * 1024,
      heapFreeBytes: freeBytes,
      heapMinBytes: minBytes,
      filesTotalBytes: this.files.limits.totalBytes,
      filesFreeBytes: this.files.freeBytes,
      tasks: accounts.map((account) => this.#task(account)),
    };
  }

  #task(account: CpuAccount): TaskStats {
    const { name, busyMs: cpuMs } = account;
    // One thread does it all: what is not running waits for a message, for room or for time.
    const state = account === this.#meter.running ? "running" : "blocked";
    return { name, state, cpuMs, stackFreeBytes: null };
  }

  #newFiles(folder?: string): FileStore {
    const { totalBytes, files } = { ...deviceDefaults.files, ...this.#options.files };
    const limits = { totalBytes, files };
    return folder === undefined ? new FileStore(limits) : new FileStore(limits, new FileFolder(folder));
  }

  #newSensors(): SimulatedSensors {
    const { ramKiB = deviceDefaults.ramKiB, link } = this.#options;
    return simulatedSensors({ seed: this.#seed, ramKiB, radio: link.carrier !== "serial" });
  }

  #usualPeripherals(): readonly Peripheral[] {
    const millivolts = new Wanderer(900, 2_600, seededRandom(this.#seed + 1));
    return [
      switchPeripheral("relay0", "relay"),
      switchPeripheral("led0", "led"),
      adcPeripheral("adc0", () => millivolts.next()),
    ];
  }
}
