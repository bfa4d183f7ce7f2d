// All machines as they are now: asked for once, and kept true by the stream of events.

import { el, name, replace } from '../parts/dom.js';
import { sentence } from '../parts/feedback.js';
import { t } from '../parts/i18n.js';
import { follow } from '../parts/stream.js';

// Relative to the page, so that both may stand below a folder of a reverse proxy.
const API = '../../v1/ipwatch';

/** The path of what belongs to the service. */
export function path(...steps) {
  return [API, ...steps.map(encodeURIComponent)].join('/');
}

/** `online`, `offline`, or `unknown` for a machine that has said nothing since the receiver started. */
export function stateOf({ availability }) {
  return availability === 'online' || availability === 'offline' ? availability : 'unknown';
}

/** What people call a machine. */
export function nameOf({ name: called, status, ip }) {
  return called || status?.hostname || ip;
}

/** `the group lab`, `lab-03`, `all machines`, from `{"group":"lab"}` or `group:lab`. */
export function targetWords(fleet, target) {
  const [kind, rest] = typeof target === 'string' ? target.split(/:(.*)/s) : Object.entries(target)[0];
  if (kind === 'all') return el('span', {}, t('target.all'));
  if (kind === 'group') return el('span', {}, t('target.group'), ' ', name(rest));
  const known = fleet.machines.get(rest);
  return name(known ? nameOf(known) : rest);
}

/** The machines by address, who else speaks, whose key this is, and who wants to hear of a change. */
class Fleet {
  machines = new Map();
  strangers = [];
  session = null;
  #listeners = new Set();

  all() {
    return [...this.machines.values()];
  }

  groups() {
    const members = new Map();
    for (const machine of this.all()) for (const group of machine.groups) members.set(group, (members.get(group) ?? 0) + 1);
    return [...members].sort(([a], [b]) => a.localeCompare(b)).map(([name, size]) => ({ name, size }));
  }

  /** `listener(kind, what)`, at once and with each change, until `signal` is given. */
  watch(signal, listener) {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
    listener('all');
  }

  tell(kind, what) {
    for (const listener of this.#listeners) listener(kind, what);
  }

  async load(api, signal) {
    const [{ data: session }, { data }] = await Promise.all([api.get(path('session'), {}, signal), api.get(path('devices'), {}, signal)]);
    this.session = session;
    this.#all(data);
  }

  /** Whether the key allows switching. */
  get mayControl() {
    return this.session?.role === 'control' || this.mayAdminister;
  }

  /** Whether it allows deciding which machines and schedules there are. */
  get mayAdminister() {
    return this.session?.role === 'administer';
  }

  #all({ devices, strangers }) {
    this.machines = new Map(devices.map((device) => [device.ip, device]));
    this.strangers = strangers;
    this.tell('all');
  }

  /** Takes an event of the stream. */
  take({ event, data }) {
    if (event === 'snapshot') return this.#all(data);
    if (event === 'device') this.machines.set(data.ip, data);
    else if (event === 'removed') this.machines.delete(data.ip);
    else if (event === 'stranger') this.strangers = [...this.strangers.filter(({ ip }) => ip !== data.ip), data];
    this.tell(event, data);
  }
}

const fleet = new Fleet();

export async function prepare(api, signal) {
  if (!fleet.session || !api.hasKey) await fleet.load(api, signal);
  return { fleet };
}

/** Whether what is shown is true: the line above every view, and the stream behind it. */
export function head({ api, signal, failed }) {
  const live = el('p', { class: 'live', role: 'status' }, t('live.opening'));
  const told = (error) => {
    if (error?.status === 401) return failed(error);
    replace(live, error ? t('live.late', { why: sentence(error) }) : t('live'));
    live.dataset.late = String(Boolean(error));
  };
  // The stream begins with all machines.
  follow(api, path('events'), signal, { heard: (event) => fleet.take(event), told });
  return live;
}
