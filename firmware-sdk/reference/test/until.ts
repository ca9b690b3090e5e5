/** Waits for a condition, and says what did not come to be when it does not within the deadline. */
export async function until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
