// Follows a stream of events. `EventSource` cannot send a key in a header, and an address is no place for a key.

import { ApiError } from './api.js';
import { either } from './signal.js';

/** The receiver sends at least a comment in this time; a silence that lasts longer is a connection that died. */
const SILENCE = 45_000;
/** Between two attempts, at most. */
const LONGEST = 30_000;

/**
 * Keeps a stream of `path` open while somebody looks at the page. `heard({ event, data })` is called for each event, `told(error | null)`
 * when the state of the connection changes. A stream that the receiver ends in order is opened again, and nobody is told.
 */
export function follow(api, path, signal, { heard, told }) {
  let failures = 0;
  let timer;
  let attempt = new AbortController();

  async function run() {
    clearTimeout(timer);
    attempt.abort();
    if (signal.aborted || document.hidden) return;
    const mine = new AbortController();
    attempt = mine;
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => mine.abort(), SILENCE);
    };
    let wrong = null;
    try {
      alive();
      const response = await api.stream(path, either(signal, mine.signal));
      failures = 0;
      told(null);
      for await (const message of events(response.body, alive)) heard(message);
    } catch (error) {
      wrong = error.kind ? error : new ApiError('unreachable');
    } finally {
      clearTimeout(watch);
    }
    if (signal.aborted || attempt !== mine || document.hidden) return;
    if (wrong) told(wrong);
    failures += 1;
    // Pages that lost a receiver together do not come back together.
    timer = setTimeout(run, Math.max(1000 * (wrong?.retryAfter ?? 0), Math.min(LONGEST, 500 * 2 ** failures) * (0.5 + Math.random() / 2)));
  }

  // A browser opens few connections to one receiver: tabs that nobody sees give theirs back.
  const seen = () => (document.hidden ? attempt.abort() : run());
  document.addEventListener('visibilitychange', seen, { signal });
  addEventListener('online', run, { signal });
  // A connection that stands may seem to live on for minutes.
  addEventListener('offline', () => attempt.abort(), { signal });
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    attempt.abort();
  });
  return run();
}

/** The events in a body: `{ event, data }`, the data as JSON. */
async function* events(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = 'message';
  let data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (data.length) yield { event, data: JSON.parse(data.join('\n')) };
        event = 'message';
        data = [];
      } else if (line.startsWith('event:')) event = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    }
  }
}
