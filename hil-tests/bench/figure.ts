/** One line of `make bench`. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The program measured in the same run for comparison; null: none. */
  readonly against: string | null;
  /** `value` divided by the other's. */
  readonly ratio: number | null;
  /** What was wanted, for people: "≥ 1 × kwok"; null: nothing. */
  readonly goal: string | null;
  readonly met: boolean | null;
}

type Measured = Pick<Figure, "name" | "value" | "unit">;

/** A figure without a goal. */
export function plainFigure(measured: Measured): Figure {
  return { ...measured, against: null, ratio: null, goal: null, met: null };
}

/** A figure that must not be above a limit in its own unit. */
export function atMost(limit: number, measured: Measured): Figure {
  return { ...plainFigure(measured), goal: `≤ ${limit} ${measured.unit}`, met: measured.value <= limit };
}

/** A rate compared with another's, with the minimum ratio. */
export function atLeastTimes(
  factor: number,
  rival: { readonly name: string; readonly value: number },
  measured: Measured,
): Figure {
  const ratio = measured.value / rival.value;
  const goal = `≥ ${factor} × ${rival.name}`;
  return { ...measured, against: rival.name, ratio, goal, met: ratio >= factor };
}
