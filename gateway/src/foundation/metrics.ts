import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * The gateway's own metrics. Each part declares its metrics when it is built; names start with `motelet_`. One Metrics
 * belongs to one gateway, so that tests can run several gateways in a process.
 */
export class Metrics {
  readonly #registry = new Registry();

  counter<L extends string = never>(
    name: `motelet_${string}_total`,
    help: string,
    labelNames: readonly L[] = [],
  ): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  /** @param measure called before each scrape, for values that are cheaper to compute then than to keep up to date */
  gauge<L extends string = never>(
    name: `motelet_${string}`,
    help: string,
    labelNames: readonly L[] = [],
    measure?: (gauge: Gauge<L>) => void,
  ): Gauge<L> {
    const gauge: Gauge<L> = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      ...(measure ? { collect: () => measure(gauge) } : {}),
    });
    return gauge;
  }

  histogram<L extends string = never>(
    name: `motelet_${string}_seconds`,
    help: string,
    labelNames: readonly L[] = [],
    buckets = [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets, registers: [this.#registry] });
  }

  /** All metrics in Prometheus text exposition format 0.0.4. */
  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Value of one counter or gauge, labels summed or matched; 0 if it was never changed. For tests and readiness. */
  async valueOf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = await this.#registry.getSingleMetric(name)?.get();
    const matching = (metric?.values ?? []).filter((value) =>
      Object.entries(labels).every(([key, wanted]) => String(value.labels[key as never]) === wanted),
    );
    return matching.reduce((sum, value) => sum + value.value, 0);
  }
}
