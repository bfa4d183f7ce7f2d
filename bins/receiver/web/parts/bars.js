// A bar chart of two stacked values a week. The same figures stand in a table beside it, so the drawing is for the eye.

import { el, svg } from './dom.js';

const HEIGHT = 160;
const AXIS = 22;
/** From bar to bar: at least so much, then the row scrolls; at most so much, then it ends before its frame does. */
const STEP = [28, 64];
/** The frame is never wider, whatever the window. */
const ROOM = 760;
/** What stands beside the bars. */
const BESIDE = 100;

/** A round number at or above `value`, with few digits: the top of the scale. */
export function ceiling(value) {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const factor = [1, 2, 4, 5, 10].find((factor) => factor * magnitude >= value) ?? 10;
  return Math.max(4, factor * magnitude);
}

/**
 * `points`: `{ label, title, lower, upper, href }`, oldest first; `label` may be empty. `scale(value)` writes a number of the scale.
 */
export function bars(points, scale) {
  const top = ceiling(Math.max(0, ...points.map(({ lower, upper }) => lower + upper)));
  const room = Math.min(ROOM, innerWidth - BESIDE);
  const step = Math.max(STEP[0], Math.min(STEP[1], Math.floor(room / Math.max(1, points.length))));
  const wide = Math.round(step * 0.64);
  const width = points.length * step + 8;
  const y = (value) => HEIGHT - (value / top) * HEIGHT;
  const lines = [0, top / 2, top].map((value) => svg('line', { class: 'grid', x1: 0, x2: width, y1: y(value), y2: y(value) }));
  const drawn = points.map((point, index) => bar(point, index * step + 8, wide, step, y));
  const names = points.map(({ label }, index) => label && svg('text', { class: 'tick', x: index * step + 8 + wide / 2, y: HEIGHT + AXIS - 4, 'text-anchor': 'middle' }, label));
  const drawing = svg(
    'svg',
    { class: 'bars', viewBox: `0 -8 ${width} ${HEIGHT + AXIS + 8}`, width, height: HEIGHT + AXIS + 8, 'aria-hidden': 'true' },
    lines,
    drawn,
    names,
  );
  const numbers = [top, top / 2, 0].map((value) => el('span', {}, scale(value)));
  const scroller = el('div', { class: 'bars-scroll' }, drawing);
  // The newest weeks are the ones looked for.
  requestAnimationFrame(() => scroller.scrollTo({ left: scroller.scrollWidth }));
  return el('div', { class: 'bars-frame' }, el('div', { class: 'bars-scale', 'aria-hidden': 'true' }, numbers), scroller);
}

function bar({ title, lower, upper, href }, x, wide, step, y) {
  const base = y(lower);
  const parts = [
    svg('rect', { class: 'bar-room', x: x - (step - wide) / 2, y: 0, width: step, height: HEIGHT }),
    lower > 0 && svg('rect', { class: 'bar-lower', x, y: base, width: wide, height: HEIGHT - base, rx: 2 }),
    upper > 0 && svg('rect', { class: 'bar-upper', x, y: y(lower + upper), width: wide, height: Math.max(1, base - y(lower + upper) - 1), rx: 2 }),
    svg('title', {}, title),
  ];
  // The links of the table reach the same weeks by keyboard.
  return href ? svg('a', { href, tabindex: -1 }, parts) : svg('g', {}, parts);
}
