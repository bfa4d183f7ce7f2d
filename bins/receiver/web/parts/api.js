// Asks the receiver. An answer that has not changed is not sent again: it is kept with its ETag.

import { either } from './signal.js';
import { recall, remember } from './store.js';

const KEPT = 60;

/** What went wrong, in a form that can be told to a person. */
export class ApiError extends Error {
  constructor(kind, { status = 0, detail = '', retryAfter = null } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, status, detail, retryAfter });
  }
}

export class Api {
  #kept = new Map();
  #name;
  #key;

  /** `name` is where the key is remembered: each protocol has keys of its own. */
  constructor(name = 'key') {
    this.#name = name;
    this.#key = recall(name, 'sessionStorage') ?? recall(name);
  }

  get hasKey() {
    return this.#key !== null;
  }

  /** Uses a reading key, and keeps it for this tab or, if told so, on this device. */
  setKey(key, keep = false) {
    this.#key = key;
    this.#kept.clear();
    remember(this.#name, key, 'sessionStorage');
    remember(this.#name, keep ? key : null);
  }

  /** The JSON at `path`. `fresh` is false where it is the same as last time. */
  async get(path, query = {}, signal = undefined) {
    const url = address(path, query);
    const kept = this.#kept.get(url);
    const headers = this.#headers('application/json');
    if (kept) headers['if-none-match'] = kept.etag;
    const response = await reach(url, { headers, signal: limited(signal) }, signal);
    if (response.status === 304 && kept) return { data: kept.data, fresh: false };
    if (!response.ok) throw await refusal(response, this.hasKey);
    const data = await response.json().catch(() => {
      throw new ApiError('garbled', { status: response.status });
    });
    this.#keep(url, response.headers.get('etag'), data);
    return { data, fresh: true };
  }

  /**
   * Asks for something to be done: `{ status, data }`. What the receiver says of it, a refusal included, is for the caller; only a key that is
   * missing or wrong, and a receiver that cannot be reached, are errors.
   */
  async send(method, path, body = undefined, signal = undefined, seconds = 20) {
    const headers = this.#headers('application/json');
    if (body !== undefined) headers['content-type'] = 'application/json';
    const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: limited(signal, seconds) };
    const response = await reach(path, options, signal);
    if (response.status === 401) throw await refusal(response, this.hasKey);
    const text = await response.text();
    try {
      return { status: response.status, data: text === '' ? null : JSON.parse(text) };
    } catch {
      throw new ApiError('garbled', { status: response.status });
    }
  }

  /** The answer whose body goes on: a stream of events. */
  async stream(path, signal) {
    const response = await reach(path, { headers: this.#headers('text/event-stream'), signal }, signal);
    if (!response.ok) throw await refusal(response, this.hasKey);
    return response;
  }

  #headers(accept) {
    return this.#key ? { accept, authorization: `Bearer ${this.#key}` } : { accept };
  }

  #keep(url, etag, data) {
    this.#kept.delete(url);
    if (!etag) return;
    this.#kept.set(url, { etag, data });
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
  }
}

function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const search = new URLSearchParams(given).toString();
  return search ? `${path}?${search}` : path;
}

function limited(signal, seconds = 20) {
  const limit = AbortSignal.timeout(seconds * 1000);
  return signal ? either(signal, limit) : limit;
}

async function reach(url, options, signal) {
  try {
    return await fetch(url, { ...options, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('unreachable');
  }
}

async function refusal(response, hasKey) {
  const body = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get('retry-after')) || null;
  const kinds = { 401: hasKey ? 'wrong-key' : 'no-key', 403: 'forbidden', 404: 'missing', 429: 'busy', 503: 'busy' };
  const detail = typeof body.error === 'string' ? body.error : '';
  return new ApiError(kinds[response.status] ?? 'refused', { status: response.status, detail, retryAfter });
}
