import type { Config } from "./config.ts";
import type { Clock } from "./foundation/clock.ts";
import type { Logger } from "./foundation/log.ts";
import type { Metrics } from "./foundation/metrics.ts";

/** Dependencies that all parts of a gateway are built with. */
export interface BuildContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Every part is added here when it is built. Disposing closes the last one first. */
  readonly parts: AsyncDisposableStack;
}
