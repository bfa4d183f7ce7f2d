// A machine as a tile: how it is now, the last hour of its processor, and its switches.

import { el, name, replace } from '../parts/dom.js';
import { number, parts, t } from '../parts/i18n.js';
import { spark } from '../parts/line.js';
import { left, moment } from '../parts/time.js';
import { address } from '../shell.js';
import { switches } from './actions.js';
import { nameOf, path, stateOf } from './fleet.js';

const HOUR = 3_600_000;
const STEP = 60;
/** Two reports that did not come are a gap. */
const GAP = 150_000;
/** How many histories are asked for at a time. */
const AT_ONCE = 4;

/** `Online`, `Offline since 14:02`, `No sign yet`. */
export function stateWords(machine) {
  const state = stateOf(machine);
  const since = machine.since && moment(machine.since);
  return el('span', { class: 'machine-state', 'data-state': state }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', {}, since ? parts(`state.${state}.since`, { time: since }) : t(`state.${state}`)));
}

/** `12 %`; a dash for what is not known. */
export function percent(value) {
  return typeof value === 'number' ? `${number(Math.round(value))}\u00a0%` : '—';
}

/** How long a machine has been up: `3 h 12 min`. */
export function uptime(seconds) {
  return typeof seconds === 'number' ? left(new Date(Date.now() + seconds * 1000).toISOString()) : '—';
}

const METERS = [
  ['cpu', 'cpu_percent'],
  ['memory', 'memory_percent'],
  ['disk', 'disk_percent'],
];

/** A tile that stays where it is while what it says changes: whoever is on one of its buttons stays there. */
export class Tile {
  #context;
  #title = el('a', { class: 'tile-name' });
  #state = el('div', { class: 'tile-state' });
  #about = el('p', { class: 'soft tile-about' });
  #meters = el('dl', { class: 'meters' });
  #spark = el('div', { class: 'tile-spark' });
  #buttons = el('div', { class: 'tile-buttons' });
  #points = null;
  #shown = '';

  constructor(context, machine) {
    this.#context = context;
    this.node = el('li', { class: 'tile' }, el('div', { class: 'tile-head' }, this.#title, this.#state), this.#about, this.#spark, this.#meters, this.#buttons);
    this.node.tile = this;
    this.update(machine);
  }

  update(machine) {
    this.machine = machine;
    const { status } = machine;
    const state = stateOf(machine);
    this.node.dataset.state = state;
    this.#title.setAttribute('href', address('machine', { ip: machine.ip }));
    replace(this.#title, name(nameOf(machine)));
    replace(this.#state, stateWords(machine));
    replace(this.#about, machine.ip, ' · ', state === 'online' && status ? t('tile.up', { time: uptime(status.uptime) }) : machine.groups.join(', ') || t('tile.no-group'));
    // Figures of a machine that is away are those of the past.
    const known = state === 'online' ? status : null;
    replace(this.#meters, METERS.map(([key, field]) => meter(t(`metric.${key}`), known?.[field])));
    const buttons = `${state} ${Boolean(machine.mac)} ${nameOf(machine)}`;
    if (this.#shown !== buttons) replace(this.#buttons, switches(this.#context, machine));
    this.#shown = buttons;
    if (this.#points && status) this.#take(status);
    this.#draw();
  }

  /** The last hour, asked for once the tile is seen. */
  async look() {
    if (this.#points) return;
    this.#points = [];
    const { api, signal } = this.#context;
    const to = new Date();
    const from = new Date(to - HOUR);
    const query = { from: from.toISOString(), to: to.toISOString(), step: STEP };
    const { data } = await api.get(path('devices', this.machine.ip, 'history'), query, signal);
    const later = this.#points;
    this.#points = data.points.map(({ at, cpu_percent: value }) => ({ time: Date.parse(at), value }));
    for (const point of later) this.#add(point);
    this.#draw();
  }

  #take({ timestamp, cpu_percent: value }) {
    const time = Date.parse(this.machine.status_at ?? timestamp);
    if (Number.isFinite(time)) this.#add({ time, value });
  }

  #add(point) {
    if (point.time > (this.#points.at(-1)?.time ?? 0)) this.#points.push(point);
    while (this.#points.length && this.#points[0].time < Date.now() - HOUR) this.#points.shift();
  }

  #draw() {
    const to = Date.now();
    replace(this.#spark, this.#points?.length > 0 && spark(this.#points, { from: to - HOUR, to, gap: GAP }));
  }
}

function meter(label, value) {
  const known = typeof value === 'number';
  return el(
    'div',
    {},
    el('dt', {}, label),
    el('dd', {}, el('span', { class: 'meter-value' }, percent(value)), el('meter', { min: 0, max: 100, high: 90, optimum: 0, value: known ? value : 0, 'aria-hidden': 'true' })),
  );
}

/** Asks for the histories of tiles as they come into sight, few at a time. */
export function watchTiles(signal) {
  const queue = [];
  let busy = 0;
  function next() {
    while (busy < AT_ONCE && queue.length && !signal.aborted) {
      busy += 1;
      // A line that cannot be had is missed by nobody: the figures are there.
      queue.shift().look().catch(() => {}).finally(() => {
        busy -= 1;
        next();
      });
    }
  }
  const eye = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      eye.unobserve(target);
      queue.push(target.tile);
    }
    next();
  });
  signal.addEventListener('abort', () => eye.disconnect());
  return eye;
}
