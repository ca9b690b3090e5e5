/**
 * A device's processor time as its readers need it: it never goes back, whatever source tells it. Milliseconds of a busy
 * processor. What the device counts itself is believed over what is integrated from the percentages of its beats.
 */
export class CpuCounter {
  #totalMs = 0;
  #bootMs = 0;
  #boot: number | undefined;
  /** The highest count that the device told in this boot. */
  #toldMs: number | undefined;

  /** Over all boots that were seen. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** Of the boot that runs. */
  get bootMs(): number {
    return this.#bootMs;
  }

  /** Tells which boot the device is in: another one counts from zero. */
  begin(boot: number | undefined): void {
    if (boot === this.#boot) return;
    // The first hello after some beats only names the boot that they were of.
    if (this.#boot !== undefined) {
      this.#bootMs = 0;
      this.#toldMs = undefined;
    }
    this.#boot = boot;
  }

  /** What the device counted since its boot. Less than before is taken for no more. */
  tell(cpuMs: number): void {
    this.#grow(Math.max(0, cpuMs - (this.#toldMs ?? this.#bootMs)));
    this.#toldMs = Math.max(cpuMs, this.#toldMs ?? 0);
  }

  /** A percentage that held for a while; nothing where the device counts itself. */
  integrate(percent: number, durationMs: number): void {
    if (this.#toldMs === undefined)
      this.#grow((Math.min(100, Math.max(0, percent)) / 100) * Math.max(0, durationMs));
  }

  #grow(byMs: number): void {
    this.#totalMs += byMs;
    this.#bootMs += byMs;
  }
}
