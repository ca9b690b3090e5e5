/** A rule of the API server in CEL, and the error for objects that break it. */
export interface ValidationRule {
  readonly rule: string;
  readonly message: string;
}

/** Rules on the value whose schema carries them (`x-kubernetes-validations`). */
export function rules(...entries: readonly ValidationRule[]) {
  return { "x-kubernetes-validations": entries };
}
