// Signals that end work.

/** A signal that is given when one of these is. `AbortSignal.any` is younger than some readers' phones. */
export function either(...signals) {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { signal: controller.signal });
  }
  return controller.signal;
}
