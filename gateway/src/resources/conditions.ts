/** The fields that conditions of all kinds share. */
export interface ConditionCore {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** A desired condition; `mergeConditions` adds the times. */
export interface WantedCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/**
 * The new list of conditions: motelet's conditions as desired, those of other owners unchanged. `lastTransitionTime`
 * changes only with the status, and an unchanged condition stays identical, so that equal lists need no write.
 * @param stale types of motelet that may be in `current` and are no longer desired
 */
export function mergeConditions<T extends ConditionCore>(
  current: readonly T[],
  wanted: readonly WantedCondition[],
  build: (condition: WantedCondition & { lastTransitionTime: string }) => T,
  options: { nowMs: number; stale?: (type: string) => boolean },
): T[] {
  const now = timestamp(options.nowMs);
  const left = new Map(wanted.map((condition) => [condition.type, condition]));
  const told = (condition: WantedCondition, known?: T): T => {
    if (known && sayTheSame(known, condition)) return known;
    const unmoved = known?.status === condition.status ? known.lastTransitionTime : undefined;
    return build({ ...condition, lastTransitionTime: unmoved ?? now });
  };
  // Each keeps its place: what is wanted differs while a figure is unknown, and another order would be a write.
  const kept = current.flatMap((known) => {
    const condition = left.get(known.type);
    left.delete(known.type);
    if (condition) return [told(condition, known)];
    return options.stale?.(known.type) ? [] : [known];
  });
  return [...kept, ...[...left.values()].map((condition) => told(condition))];
}

function sayTheSame(known: ConditionCore, wanted: WantedCondition): boolean {
  // The API server leaves empty texts out.
  return (
    known.status === wanted.status &&
    (known.reason ?? "") === wanted.reason &&
    (known.message ?? "") === wanted.message
  );
}

/** metav1.Time: whole seconds, UTC. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
