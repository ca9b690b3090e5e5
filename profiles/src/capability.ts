/** The capabilities of a device, as bits of hello's caps (SPEC §9). A command without a capability is mandatory. */
export const Capability = {
  exec: 1 << 0,
  tty: 1 << 1,
  console: 1 << 2,
  "log-read": 1 << 3,
  reboot: 1 << 4,
  time: 1 << 5,
  /** Has a second stream for stderr. */
  stderr: 1 << 6,
  properties: 1 << 7,
  stats: 1 << 8,
  dial: 1 << 9,
  files: 1 << 10,
  peripherals: 1 << 11,
  firmware: 1 << 12,
  workload: 1 << 13,
  keys: 1 << 14,
} as const;
export type CapabilityName = keyof typeof Capability;

/** Names of the known bits, in order of the bits; unknown ones are left out. */
export function capabilityNames(bits: number): CapabilityName[] {
  return (Object.keys(Capability) as CapabilityName[]).filter((name) => (bits & Capability[name]) !== 0);
}
