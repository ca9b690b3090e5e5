import type { LogEvent } from "./log-events.ts";
import { type DeclaredMetric, wantsAdvice } from "./metrics.ts";
import { code, table } from "./tables.ts";

/** gateway/scripts/reference/operations.yaml */
export interface Advice {
  /** Meaning of each log field. */
  readonly fields: Readonly<Record<string, string>>;
  readonly events: Readonly<Record<string, { readonly advice: string; readonly fields?: readonly string[] }>>;
  readonly metrics: Readonly<Record<string, string>>;
}

const levels = ["error", "warn", "info"] as const;

/** The tables of docs/operations.md, by the names of their marks. */
export function operationsTables(
  metrics: readonly DeclaredMetric[],
  events: readonly LogEvent[],
  advice: Advice,
): Record<string, string> {
  const byName = metrics.toSorted((a, b) => a.name.localeCompare(b.name));
  const rows = mergedEvents(events, advice);
  return {
    metrics: table(
      ["metric", "type", "labels", "counts or shows", "what to do"],
      byName.map(({ name, type, labels, help }) => [
        code(name),
        type,
        labels.map(code).join(" "),
        help,
        advice.metrics[name] ?? "",
      ]),
    ),
    events: table(
      ["level", "event", "fields", "what to do"],
      rows.map(({ level, message, fields }) => [
        level,
        code(message),
        fields.map(code).join(" "),
        advice.events[message]?.advice ?? "",
      ]),
    ),
    fields: table(
      ["field", "meaning"],
      Object.entries(advice.fields).map(([name, meaning]) => [code(name), meaning]),
    ),
  };
}

/** What keeps the tables from being whole; a sentence each. */
export function gaps(
  metrics: readonly DeclaredMetric[],
  events: readonly LogEvent[],
  advice: Advice,
): string[] {
  const names = new Set(metrics.map(({ name }) => name));
  const messages = new Set(events.map(({ message }) => message));
  const used = new Set(mergedEvents(events, advice).flatMap(({ fields }) => fields));
  return [
    ...metrics
      .filter((metric) => wantsAdvice(metric) && !advice.metrics[metric.name])
      .map(({ name }) => `metric ${name} counts failures and has no text`),
    ...events
      .filter(({ level, message }) => level !== "info" && !advice.events[message])
      .map(({ message, level, place }) => `${level} event "${message}" (${place}) has no text`),
    ...events
      .filter(({ openAt, message }) => openAt.length > 0 && !advice.events[message]?.fields)
      .map(({ place, openAt }) => `${place}: cannot see the fields of ${openAt.join(", ")}; list them`),
    ...[...used].filter((field) => !(field in advice.fields)).map((field) => `field ${field} has no meaning`),
    ...Object.keys(advice.metrics)
      .filter((name) => !names.has(name))
      .map((name) => `there is no metric ${name}`),
    ...Object.keys(advice.events)
      .filter((message) => !messages.has(message))
      .map((message) => `there is no event "${message}"`),
    ...Object.keys(advice.fields)
      .filter((field) => !used.has(field))
      .map((field) => `there is no field ${field}`),
  ];
}

/** One row an event, however many places log it; the gravest first. */
function mergedEvents(events: readonly LogEvent[], advice: Advice) {
  const groups = Map.groupBy(events, ({ level, message }) => `${levels.indexOf(level)} ${message}`);
  return [...groups]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([, [first, ...others]]) => {
      const { level = "info", message = "" } = first ?? {};
      const seen = [first, ...others].flatMap((event) => event?.fields ?? []);
      return { level, message, fields: [...new Set([...seen, ...(advice.events[message]?.fields ?? [])])] };
    });
}
