// A check-in as the views show it.

import { el, name } from '../parts/dom.js';
import { number, t } from '../parts/i18n.js';
import { exact, moment } from '../parts/time.js';
import { personLink } from './nets.js';

/** What was said. An empty message is a check-in too, and says so. */
export function said(message) {
  return message === '' ? el('p', { class: 'said nothing' }, t('said.nothing')) : el('p', { class: 'said', dir: 'auto' }, message);
}

/** The bots that heard it, each with its time on hover. */
export function hearers(heardBy) {
  const chips = heardBy.map(({ bot, at }) => el('li', { class: 'chip', title: exact(at) }, name(bot)));
  return el('ul', { class: 'chips', 'aria-label': t('heard.by', { n: heardBy.length }) }, chips);
}

/** `Heard by 3 bots`, which opens to their names. */
export function hearersFolded(heardBy) {
  const summary = el('summary', { title: t('heard.by', { n: heardBy.length }) }, el('span', { class: 'ears', 'aria-hidden': 'true' }), t('heard.bots', { n: heardBy.length }));
  return el('details', { class: 'hearers' }, summary, hearers(heardBy));
}

/** A line of a board: who, what, when, who heard it. */
export function entry(net, { username, message, timestamp, check_ins: times, heard_by: heardBy, first_time: firstTime, streak }) {
  return el(
    'li',
    { class: 'entry' },
    el('div', { class: 'entry-who' }, personLink(net, username), badge(firstTime, streak), times > 1 && el('span', { class: 'times' }, t('checkins.n', { n: times }))),
    el('div', { class: 'entry-when' }, moment(timestamp)),
    said(message),
    hearersFolded(heardBy),
  );
}

/** What is special about somebody this week. */
export function badge(firstTime, streak) {
  if (firstTime) return el('span', { class: 'badge first' }, t('badge.first'));
  if (streak > 1) return el('span', { class: 'badge' }, t('badge.streak', { n: streak }));
  return null;
}

/** Figures side by side, each under its name: `[label, value, note]`. */
export function figures(list) {
  const one = ([label, value, note]) =>
    el('div', { class: 'figure' }, el('dt', {}, label), el('dd', {}, typeof value === 'number' ? number(value) : value, note && el('span', { class: 'figure-note' }, note)));
  return el('dl', { class: 'figures' }, list.map(one));
}
