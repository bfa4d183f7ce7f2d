// Repeats a question while somebody looks at the page.

/**
 * Runs `work` now and every `seconds`. It rests while the page is hidden, runs at once when it is seen again, and waits longer
 * after failures. `told` hears `(error | null)` after each round.
 */
export function poll(work, seconds, signal, told = () => {}) {
  let timer;
  let failures = 0;
  let running = false;

  async function round() {
    clearTimeout(timer);
    if (running || signal.aborted || document.hidden) return;
    running = true;
    let wait = seconds;
    try {
      await work();
      failures = 0;
      if (!signal.aborted) told(null);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      wait = Math.max(error.retryAfter ?? 0, Math.min(60, seconds * 2 ** failures));
      told(error);
    } finally {
      running = false;
    }
    // Readers who came together do not ask together for ever.
    if (!signal.aborted) timer = setTimeout(round, wait * 1000 * (0.9 + Math.random() / 5));
  }

  document.addEventListener('visibilitychange', () => document.hidden || round(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  return round();
}
