/** 16-bit serial arithmetic (RFC 1982; SPEC §1). */

/** How far `a` is ahead of `b`, −32768…32767. */
export function serialDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** Whether `a` comes after `b`. */
export function serialNewer(a: number, b: number): boolean {
  return serialDistance(a, b) > 0;
}

/** `a + count` modulo 2^16. */
export function serialAdd(a: number, count: number): number {
  return (a + count) & 0xffff;
}
