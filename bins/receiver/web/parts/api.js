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
  #key = recall('key', 'sessionStorage') ?? recall('key');

  get hasKey() {
    return this.#key !== null;
  }

  /** Uses a reading key, and keeps it for this tab or, if told so, on this device. */
  setKey(key, keep = false) {
    this.#key = key;
    this.#kept.clear();
    remember('key', key, 'sessionStorage');
    remember('key', keep ? key : null);
  }

  /** The JSON at `path`. `fresh` is false where it is the same as last time. */
  async get(path, query = {}, signal = undefined) {
    const url = address(path, query);
    const kept = this.#kept.get(url);
    const headers = { accept: 'application/json' };
    if (this.#key) headers.authorization = `Bearer ${this.#key}`;
    if (kept) headers['if-none-match'] = kept.etag;
    const response = await reach(url, headers, signal);
    if (response.status === 304 && kept) return { data: kept.data, fresh: false };
    if (!response.ok) throw await refusal(response, this.hasKey);
    const data = await response.json().catch(() => {
      throw new ApiError('garbled', { status: response.status });
    });
    this.#keep(url, response.headers.get('etag'), data);
    return { data, fresh: true };
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

async function reach(url, headers, signal) {
  const limit = AbortSignal.timeout(20_000);
  try {
    return await fetch(url, { headers, signal: signal ? either(signal, limit) : limit, cache: 'no-store', credentials: 'omit' });
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
