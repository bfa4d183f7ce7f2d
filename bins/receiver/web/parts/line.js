// A figure over time as a line, small beside a name or large with its scale. What it says stands in words beside it or in its label.

import { el, replace, svg } from './dom.js';
import { locale } from './i18n.js';
import { exact } from './time.js';

const WIDTH = 600;
const HEIGHT = 150;
const DAY = 86_400_000;

/** The stretches without a gap: values that are known, no further apart than `gap`. */
function stretches(points, gap) {
  const found = [];
  let last = null;
  for (const point of points) {
    if (point.value === null || point.value === undefined) last = null;
    else {
      if (last === null || point.time - last > gap) found.push([]);
      found.at(-1).push(point);
      last = point.time;
    }
  }
  return found;
}

function drawn(points, { from, to, top, width, height, gap }) {
  const x = (time) => (((time - from) / Math.max(1, to - from)) * width).toFixed(1);
  const y = (value) => (height - (Math.min(top, Math.max(0, value)) / top) * height).toFixed(1);
  return stretches(points, gap).map((stretch) => {
    const path = stretch.map(({ time, value }) => `${x(time)},${y(value)}`);
    // A value alone is a dot: a line of no length with a round end.
    const line = `M${path.join('L')}${stretch.length === 1 ? 'h0' : ''}`;
    const area = `M${x(stretch[0].time)},${height}L${path.join('L')}L${x(stretch.at(-1).time)},${height}Z`;
    return [svg('path', { class: 'area', d: area }), svg('path', { class: 'line', d: line, 'vector-effect': 'non-scaling-stroke' })];
  });
}

/** The last hour or so, the size of a word. `points`: `{ time, value }`, oldest first, times in milliseconds. */
export function spark(points, { from, to, top = 100, gap }) {
  const size = { width: 100, height: 28 };
  return svg('svg', { class: 'spark', viewBox: `0 -1 ${size.width} ${size.height + 2}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, drawn(points, { from, to, top, gap, ...size }));
}

/**
 * A chart with a scale and a line that follows the pointer. `format(value)` writes a value; `label` says what the drawing shows to those who
 * do not see it.
 */
export function chart(points, { title, label, from, to, top, gap, format }) {
  const now = points.findLast(({ value }) => value !== null && value !== undefined);
  const value = el('span', { class: 'chart-value' }, now ? format(now.value) : '—');
  const when = el('span', { class: 'chart-when soft' });
  const pointer = svg('line', { class: 'pointer', y1: 0, y2: HEIGHT, visibility: 'hidden', 'vector-effect': 'non-scaling-stroke' });
  const grid = [0, 0.5, 1].map((part) => svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part, 'vector-effect': 'non-scaling-stroke' }));
  const drawing = svg('svg', { class: 'lines', viewBox: `0 -2 ${WIDTH} ${HEIGHT + 4}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, grid, drawn(points, { from, to, top, gap, width: WIDTH, height: HEIGHT }), pointer);

  function point(event) {
    const box = drawing.getBoundingClientRect();
    const time = from + ((event.clientX - box.left) / box.width) * (to - from);
    const near = points.reduce((best, one) => (best && Math.abs(best.time - time) <= Math.abs(one.time - time) ? best : one), null);
    if (!near) return;
    const x = ((near.time - from) / (to - from)) * WIDTH;
    for (const end of ['x1', 'x2']) pointer.setAttribute(end, x);
    pointer.setAttribute('visibility', 'visible');
    replace(value, near.value === null || near.value === undefined ? '—' : format(near.value));
    replace(when, exact(new Date(near.time).toISOString()));
  }
  function leave() {
    pointer.setAttribute('visibility', 'hidden');
    replace(value, now ? format(now.value) : '—');
    replace(when);
  }
  drawing.addEventListener('pointermove', point);
  drawing.addEventListener('pointerdown', point);
  drawing.addEventListener('pointerleave', leave);
  const scale = [top, top / 2, 0].map((one) => el('span', {}, format(one)));
  return el(
    'figure',
    { class: 'chart card' },
    el('figcaption', {}, el('span', {}, title), value, when),
    el('div', { class: 'chart-frame' }, el('div', { class: 'chart-scale', 'aria-hidden': 'true' }, scale), el('div', { class: 'chart-room' }, drawing, ticks(from, to))),
  );
}

/** Five moments below the drawing, as short as the stretch allows. */
function ticks(from, to) {
  const options = to - from > 2 * DAY ? { weekday: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' };
  const format = new Intl.DateTimeFormat(locale(), options);
  const moments = [0, 0.25, 0.5, 0.75, 1].map((part) => el('span', {}, format.format(from + (to - from) * part)));
  return el('div', { class: 'chart-ticks', 'aria-hidden': 'true' }, moments);
}
