// Weekly counts, drawn and in figures, with the newest week's summary ready to paste.

import { bars } from '../../parts/bars.js';
import { el, replace } from '../../parts/dom.js';
import { empty, waiting } from '../../parts/feedback.js';
import { number, t } from '../../parts/i18n.js';
import { table } from '../../parts/table.js';
import { day } from '../../parts/time.js';
import { address } from '../../shell.js';
import { netPath, weekName, withNet } from '../nets.js';
import { summaryCard } from '../summary.js';

const WEEKS = 52;

export const weeks = { id: 'weeks', show: withNet(show) };

async function show({ api, root, signal, net }) {
  replace(root, el('h1', {}, t('view.weeks')), waiting(6));
  const { data } = await api.get(netPath(net, 'weeks'), { limit: WEEKS }, signal);
  const newestFirst = data.weeks;
  if (newestFirst.every(({ people }) => people === 0)) {
    return void replace(root, el('h1', {}, t('view.weeks')), empty(t('weeks.none'), t('weeks.none.do')));
  }
  const latest = newestFirst.find(({ people }) => people > 0);
  const { data: board } = await api.get(netPath(net, 'weeks', latest.week), {}, signal);
  if (signal.aborted) return;
  replace(root, el('h1', {}, t('view.weeks')), chart(net, [...newestFirst].reverse()), summaryCard(t('summary.week', { week: day(board.week) }), board), figures(net, newestFirst));
}

function chart(net, oldestFirst) {
  let month = '';
  const points = oldestFirst.map(({ week, people, first_timers: first }) => {
    const named = week.slice(0, 7) === month ? '' : day(week, { month: 'short' });
    month = week.slice(0, 7);
    return { label: named, title: `${day(week)}: ${t('people.n', { n: people })}, ${t('first.n', { n: first })}`, lower: people - first, upper: first, href: address('board', { net: net.name, week }) };
  });
  const legend = el(
    'p',
    { class: 'legend', 'aria-hidden': 'true' },
    el('span', { class: 'key-lower' }, t('figure.returning')),
    el('span', { class: 'key-upper' }, t('figure.first')),
  );
  return el('figure', { class: 'card chart' }, el('figcaption', {}, t('weeks.chart')), legend, bars(points, number));
}

function figures(net, newestFirst) {
  const columns = [
    { label: t('column.week'), kind: 'main', cell: ({ week }) => el('a', { href: address('board', { net: net.name, week }), 'aria-label': weekName(week) }, day(week)) },
    { label: t('figure.people'), kind: 'number', cell: ({ people }) => number(people) },
    { label: t('figure.checkins'), kind: 'number', cell: ({ check_ins: all }) => number(all) },
    { label: t('figure.first'), kind: 'number', cell: ({ first_timers: first }) => number(first) },
    { label: t('figure.returning'), kind: 'number', cell: ({ returning }) => number(returning) },
  ];
  return table(t('view.weeks'), columns, newestFirst);
}
