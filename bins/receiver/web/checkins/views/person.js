// One person: streaks, a calendar of weeks, and what was said.

import { el, name, replace } from '../../parts/dom.js';
import { empty, waiting } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { day, moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { netPath, weekName, withNet } from '../nets.js';
import { figures, hearersFolded, said } from '../records.js';

const WEEK = 7 * 86_400_000;

export const person = { id: 'person', under: 'leaders', hidden: true, show: withNet(show) };

async function show({ api, root, params, signal, net }) {
  const username = params.get('name') ?? '';
  replace(root, el('h1', {}, name(username)), waiting(6));
  document.title = `${username} · ${t('section.checkins')}`;
  const { data } = await api.get(netPath(net, 'people', username), {}, signal).catch((error) => {
    if (error.kind !== 'missing') throw error;
    return { data: null };
  });
  if (signal.aborted) return;
  if (!data) return void replace(root, el('h1', {}, name(username)), empty(t('person.none'), t('person.none.do')));
  const newestFirst = data.weeks;
  replace(
    root,
    el('h1', {}, name(username)),
    figures([
      [t('column.weeks'), newestFirst.length],
      [t('column.current'), t('weeks.n', { n: data.current_streak })],
      [t('column.longest'), t('weeks.n', { n: data.longest_streak })],
      [t('person.since'), newestFirst.length ? day(newestFirst.at(-1).week, { month: 'short', year: 'numeric' }) : '—'],
    ]),
    calendar(net, newestFirst),
    el('h2', {}, t('person.said')),
    el('ol', { class: 'entries' }, newestFirst.filter(({ check_ins: all }) => all.length > 0).map((week) => weekEntry(net, week))),
  );
}

/** A square for every week up to the current one, a row of squares for each year; the same week of each year stands in the same place. */
function calendar(net, newestFirst) {
  if (newestFirst.length === 0) return null;
  const there = new Set(newestFirst.map(({ week }) => week));
  const first = Date.parse(newestFirst.at(-1).week);
  const last = Math.max(Date.parse(newestFirst[0].week), Date.parse(net.current.week));
  const years = new Map();
  for (let time = first; time <= last; time += WEEK) {
    const week = new Date(time).toISOString().slice(0, 10);
    const year = week.slice(0, 4);
    if (!years.has(year)) years.set(year, before(time, year));
    years.get(year).push(square(net, week, there.has(week)));
  }
  const rows = [...years].reverse().map(([year, squares]) => el('li', {}, el('span', { class: 'year' }, year), el('ol', { class: 'squares' }, squares)));
  const legend = el('p', { class: 'legend', 'aria-hidden': 'true' }, el('span', { class: 'key-there' }, t('person.there')), el('span', { class: 'key-absent' }, t('person.absent')));
  return el('section', { class: 'card calendar' }, el('div', { class: 'row' }, el('h2', {}, t('person.calendar')), legend), el('ol', { class: 'plain' }, rows));
}

/** Room for the weeks of the year that came before. */
function before(time, year) {
  const weeks = Math.floor((time - Date.parse(`${year}-01-01`)) / WEEK);
  return Array.from({ length: weeks }, () => el('li', { 'aria-hidden': 'true' }, el('span', { class: 'square before' })));
}

function square(net, week, there) {
  const label = `${day(week)} · ${t(there ? 'person.there' : 'person.absent')}`;
  if (!there) return el('li', {}, el('span', { class: 'square', title: label, role: 'img', 'aria-label': label }));
  return el('li', {}, el('a', { class: 'square there', href: address('board', { net: net.name, week }), title: label, 'aria-label': label }));
}

function weekEntry(net, { week, check_ins: all }) {
  const one = ({ message, timestamp, heard_by: heardBy }) => [el('div', { class: 'entry-when' }, moment(timestamp)), said(message), hearersFolded(heardBy)];
  return el('li', { class: 'entry' }, el('div', { class: 'entry-who' }, el('a', { href: address('board', { net: net.name, week }), 'aria-label': weekName(week) }, day(week))), all.map(one));
}
