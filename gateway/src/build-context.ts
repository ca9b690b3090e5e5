import type { Config } from "./config.ts";
import type { Clock } from "./foundation/clock.ts";
import type { Logger } from "./foundation/log.ts";
import type { Metrics } from "./foundation/metrics.ts";

/** What the parts of a gateway are built with. */
export interface BuildContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Takes each part when it is built, and closes the last one first. */
  readonly parts: AsyncDisposableStack;
}
