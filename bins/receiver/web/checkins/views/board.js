// A week's board; the current one is live.

import { copyButton } from '../../parts/copy.js';
import { el, keyed, replace } from '../../parts/dom.js';
import { empty, sentence, waiting } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { poll } from '../../parts/poll.js';
import { address } from '../../shell.js';
import { netPath, weekName, withNet } from '../nets.js';
import { entry, figures } from '../records.js';

const SECONDS = 10;

export const board = { id: 'board', show: withNet(show) };

function show(context) {
  const { api, root, params, signal, net, failed } = context;
  const week = params.get('week');
  const page = layout(net, week);
  replace(root, page.all);
  let drawn = false;

  async function round() {
    const { data, fresh } = await api.get(netPath(net, 'weeks', week ?? 'current'), {}, signal);
    if (signal.aborted || (drawn && !fresh)) return;
    draw(page, net, data, drawn);
    drawn = true;
  }

  function told(error) {
    if (error && !drawn) return failed(error);
    replace(page.live, error ? t('live.late', { why: sentence(error) }) : t('live'));
    page.live.dataset.late = String(Boolean(error));
  }

  return poll(round, SECONDS, signal, told);
}

function layout(net, week) {
  const page = {
    heading: el('h1', {}, t('view.board')),
    live: el('p', { class: 'live', role: 'status' }),
    turns: el('div', { class: 'turns' }),
    figures: el('div', {}, waiting(1)),
    list: el('ol', { class: 'entries' }),
    none: el('div', {}, waiting(5)),
    paste: el('pre', { class: 'paste', tabindex: 0, 'aria-label': t('summary') }),
  };
  page.summary = el('section', { class: 'card summary', hidden: true }, el('div', { class: 'row' }, el('h2', {}, t('summary')), copyButton(page.paste, t('summary.copy'))), page.paste);
  page.all = [el('div', { class: 'row' }, page.heading, page.live), page.turns, page.figures, page.none, page.list, page.summary];
  return page;
}

function draw(page, net, data, again) {
  replace(page.heading, weekName(data.week));
  replace(page.turns, turns(net, data));
  replace(page.figures, summaryFigures(data));
  const count = (seen => ({ username }) => `${username}\n${seen.set(username, (seen.get(username) ?? 0) + 1).get(username)}`)(new Map());
  const fresh = keyed(page.list, data.entries, count, (one) => entry(net, one));
  if (again) for (const node of fresh) node.classList.add('fresh');
  replace(page.none, data.entries.length === 0 && empty(t('board.none'), t('board.none.do')));
  page.paste.textContent = data.summary ?? '';
  page.summary.hidden = data.entries.length === 0 || !data.summary;
}

function turns(net, { previous, next }) {
  const to = (week, words, rel) => week && el('a', { class: 'button', rel, href: address('board', { net: net.name, week }) }, t(words));
  return [to(previous, 'week.before', 'prev'), to(next, 'week.after', 'next'), next && el('a', { class: 'button', href: address('board', { net: net.name }) }, t('week.now'))];
}

/** The four figures of a week. */
export function summaryFigures({ total, first_timers: first, returning, longest_streak: longest }) {
  const holder = longest?.username;
  const streak = typeof longest === 'object' ? longest?.weeks : longest;
  return figures([
    [t('figure.people'), total],
    [t('figure.first'), Array.isArray(first) ? first.length : first],
    [t('figure.returning'), Array.isArray(returning) ? returning.length : returning],
    [t('figure.longest'), streak ? t('weeks.n', { n: streak }) : '—', holder && el('bdi', {}, holder)],
  ]);
}

