// Times: short in the text, in the reader's zone; the exact one on hover.

import { el } from './dom.js';
import { locale, t } from './i18n.js';

const UNITS = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

function parse(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time;
}

function format(time, options) {
  return new Intl.DateTimeFormat(locale(), options).format(time);
}

/** Date, time to the second and zone. */
export function exact(text) {
  const time = parse(text);
  return time ? format(time, { dateStyle: 'full', timeStyle: 'long' }) : String(text);
}

/** `17:42`, with as much of the day before it as the reader needs: nothing today, the name of a day that is near. */
function clock(time, now) {
  const today = time.toDateString() === now.toDateString();
  const near = Math.abs(time - now) < 6 * 86_400_000;
  const day = today ? {} : near ? { weekday: 'short' } : { weekday: 'short', day: 'numeric', month: 'short' };
  const year = time.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' };
  return format(time, { ...day, ...year, hour: '2-digit', minute: '2-digit' });
}

/** `5 minutes ago`, `in 2 hours`. */
function relative(time, now) {
  const seconds = (time - now) / 1000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  if (unit === 'second') return t(seconds > 0 ? 'time.soon' : 'time.now');
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(Math.trunc(seconds / length), unit);
}

/** How long until a moment, in words: `2 h 05 min`. */
export function left(text, now = new Date()) {
  const minutes = Math.max(1, Math.ceil(((parse(text) ?? now) - now) / 60_000));
  const days = Math.floor(minutes / 1440);
  if (days >= 2) return t('time.days', { n: days });
  const hours = Math.floor(minutes / 60);
  return hours ? t('time.hours', { h: hours, m: String(minutes % 60).padStart(2, '0') }) : t('time.minutes', { n: minutes });
}

/** A moment as `<time>`. What is no date is shown as it came. */
export function moment(text, style = 'clock') {
  const time = parse(text);
  if (!time) return el('span', { class: 'time', title: t('time.nodate') }, String(text ?? '—'));
  const node = el('time', { class: 'time', datetime: time.toISOString(), title: exact(text) });
  node.dataset.style = style;
  write(node, new Date());
  return node;
}

function write(node, now) {
  const time = parse(node.getAttribute('datetime'));
  const text = node.dataset.style === 'relative' ? relative(time, now) : clock(time, now);
  if (node.textContent !== text) node.textContent = text;
}

/** Keeps the words of all times on the page true. */
export function keepTime(root, signal) {
  const timer = setInterval(() => {
    const now = new Date();
    for (const node of root.querySelectorAll('time[data-style]')) write(node, now);
  }, 15_000);
  signal?.addEventListener('abort', () => clearInterval(timer));
}

/** A calendar day such as `2025-03-03`, which has no zone. */
export function day(text, options = { day: 'numeric', month: 'long', year: 'numeric' }) {
  const time = parse(`${text}T00:00:00Z`);
  return time ? format(time, { ...options, timeZone: 'UTC' }) : String(text);
}

/** The same as `3 Mar`, with the year unless it is this one. */
export function dayShort(text) {
  const year = text.startsWith(`${new Date().getFullYear()}-`) ? {} : { year: 'numeric' };
  return day(text, { day: 'numeric', month: 'short', ...year });
}
