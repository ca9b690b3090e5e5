/** Why a device began a boot (SPEC §3.3, key 9). */
export interface ResetCause {
  /** One word in UpperCamelCase. */
  readonly name: string;
  /** For people: "after …". */
  readonly text: string;
  /** Whether something went wrong. */
  readonly fault: boolean;
}

const unknown: ResetCause = { name: "Rebooted", text: "for an unknown cause", fault: false };
const causes: readonly ResetCause[] = [
  unknown,
  { name: "PowerOn", text: "after power-on", fault: false },
  { name: "ResetPin", text: "by its reset pin", fault: false },
  { name: "Software", text: "by its software", fault: false },
  { name: "Watchdog", text: "by its watchdog", fault: true },
  { name: "BrownOut", text: "after a brown-out", fault: true },
  { name: "Panic", text: "after a panic", fault: true },
  { name: "WakeFromSleep", text: "from sleep", fault: false },
];

/** @param code from a hello; codes of newer devices are unknown causes */
export function resetCauseOf(code: number | undefined): ResetCause {
  return causes[code ?? 0] ?? unknown;
}
