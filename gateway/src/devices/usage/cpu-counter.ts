/**
 * A device's processor time, which never decreases, whatever its source. Milliseconds of a busy processor. The device's
 * own count has priority over the time integrated from the percentages of its beats.
 */
export class CpuCounter {
  #totalMs = 0;
  #bootMs = 0;
  #boot: number | undefined;
  /** The highest count that the device told in this boot. */
  #toldMs: number | undefined;

  /** Sum over all boots that were seen. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** Time in the current boot. */
  get bootMs(): number {
    return this.#bootMs;
  }

  /** Sets the device's current boot: a new one counts from zero. */
  begin(boot: number | undefined): void {
    if (boot === this.#boot) return;
    // The first hello after some beats only names the boot that they were of.
    if (this.#boot !== undefined) {
      this.#bootMs = 0;
      this.#toldMs = undefined;
    }
    this.#boot = boot;
  }

  /** Sets the count that the device reported since its boot. A lower value than before is ignored. */
  tell(cpuMs: number): void {
    this.#grow(Math.max(0, cpuMs - (this.#toldMs ?? this.#bootMs)));
    this.#toldMs = Math.max(cpuMs, this.#toldMs ?? 0);
  }

  /** Adds a percentage that was valid for a while. Does nothing if the device counts by itself. */
  integrate(percent: number, durationMs: number): void {
    if (this.#toldMs === undefined)
      this.#grow((Math.min(100, Math.max(0, percent)) / 100) * Math.max(0, durationMs));
  }

  #grow(byMs: number): void {
    this.#totalMs += byMs;
    this.#bootMs += byMs;
  }
}
