/** Milliseconds as the pair of numbers in messages (SPEC §2). */
export function secondsOf(ms: number): { readonly s: number; readonly ms: number } {
  return { s: Math.min(0xffff_ffff, Math.floor(ms / 1000)), ms: Math.floor(ms % 1000) };
}
