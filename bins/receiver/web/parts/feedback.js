// What the page says about itself: it waits, there is nothing, something went wrong, something was done.

import { el, replace } from './dom.js';
import { t } from './i18n.js';

/** Grey lines in the place of what is on its way. */
export function waiting(lines = 3) {
  const bars = Array.from({ length: lines }, () => el('span', { class: 'bar' }));
  return el('div', { class: 'waiting', role: 'status', 'aria-label': t('waiting') }, bars);
}

/** There is nothing to show: why, and what to do next. */
export function empty(title, text, ...more) {
  return el('div', { class: 'empty' }, el('p', { class: 'empty-title' }, title), text && el('p', {}, text), more);
}

/** The words for an error. */
export function sentence(error) {
  const words = t(`error.${error.kind ?? 'defect'}`, { status: error.status ?? 0 });
  return error.detail && error.kind === 'refused' ? `${words} (${error.detail})` : words;
}

/** An error in the place of what it kept away. */
export function trouble(error, again) {
  return el(
    'div',
    { class: 'empty trouble', role: 'alert' },
    el('p', { class: 'empty-title' }, sentence(error)),
    again && el('button', { class: 'button', type: 'button', onclick: again }, t('again')),
  );
}

/** A short message that goes away by itself. */
export function toast(text) {
  const place = document.getElementById('toasts');
  const note = el('p', { class: 'toast' }, text);
  // One at a time: a queue of messages would be read by nobody.
  replace(place, note);
  setTimeout(() => note.remove(), 5000);
}
