import type { FileStore } from "./file-store.ts";
import type { LogRing } from "./log-ring.ts";
import type { Peripheral } from "./peripherals.ts";
import type { Services } from "./services.ts";
import type { Settings } from "./settings.ts";
import type { DeviceStats } from "./stats.ts";

/** What a device is made of beside its session. What is absent it does not have. */
export interface DeviceParts {
  readonly files?: FileStore | undefined;
  readonly services?: Services | undefined;
  readonly peripherals?: readonly Peripheral[] | undefined;
  readonly settings?: Settings | undefined;
  readonly ring?: LogRing | undefined;
  /** Takes the figures of this moment. */
  readonly stats?: (() => DeviceStats) | undefined;
}
