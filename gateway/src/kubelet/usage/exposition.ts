/** Version 0.0.4 of Prometheus' text format, as in a kubelet's replies. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/** The value of one series at an instant. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Unix milliseconds; absent: the time of the scrape. */
  readonly atMs?: number;
}

/** All series with the same name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

/** Formats families in their order; one without samples is left out, as in a kubelet. */
export function formatExposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map((sample) => `${name}${formatLabels(sample.labels)} ${formatValue(sample)}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

function formatLabels(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function formatValue({ value, atMs }: Sample): string {
  return atMs === undefined ? String(value) : `${value} ${Math.round(atMs)}`;
}
