import { callsIn, literalText, type SourceCall, splitAt } from "./source-calls.ts";

/** A metric as its part declares it. */
export interface DeclaredMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Metrics of these names count what somebody may have to do something about. */
const failureWords =
  /_(refused|refusals|dropped|failures|errors|conflicts|throttled|retries|repeated|skipped|stray|flapping|interrupted)_/;

export function wantsAdvice({ name }: DeclaredMetric): boolean {
  return failureWords.test(name);
}

/** @throws Error naming the place where a declaration is not made of constants */
export function metricsIn(source: string, file: string): DeclaredMetric[] {
  return callsIn(source, file, /\bmetrics\s*\.(counter|gauge|histogram)\(/g).map(declared);
}

/** Names that look like a metric's and were not found as a declaration; a sentence each. */
export function metricsMissed(source: string, file: string, known: readonly DeclaredMetric[]): string[] {
  const names = new Set(known.map(({ name }) => name));
  return [...source.matchAll(/"(motelet_\w+)"/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !names.has(name))
    .map((name) => `${file} names ${name}, which no metrics.counter, gauge or histogram declares`);
}

function declared({ method, args, place }: SourceCall): DeclaredMetric {
  const [name, help] = args.slice(0, 2).map(literalText);
  if (name === undefined || help === undefined)
    throw new Error(`${place}: expected a metric's name and help as literal texts, got ${args.join(", ")}`);
  return { name, type: method, help: help.replace(/\.$/, ""), labels: labelsOf(args[2], place) };
}

function labelsOf(expression: string | undefined, place: string): string[] {
  if (expression === undefined) return [];
  const labels = /^\[([\s\S]*)\]$/.exec(expression)?.[1];
  return splitAt(labels ?? "?", ",").map((label) => {
    const text = literalText(label);
    if (text === undefined) throw new Error(`${place}: expected label names as literal texts, got ${label}`);
    return text;
  });
}
