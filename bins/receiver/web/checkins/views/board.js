// A week's board; the current one is live.

import { el, keyed, name, replace } from '../../parts/dom.js';
import { empty, sentence, waiting } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { poll } from '../../parts/poll.js';
import { address } from '../../shell.js';
import { netPath, weekName, withNet } from '../nets.js';
import { entry, figures } from '../records.js';
import { summaryCard, summaryText } from '../summary.js';

const SECONDS = 10;

export const board = { id: 'board', show: withNet(show) };

function show(context) {
  const { api, root, params, signal, net, failed } = context;
  const week = params.get('week');
  const page = layout();
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

function layout() {
  const page = {
    heading: el('h1', {}, t('view.board')),
    live: el('p', { class: 'live', role: 'status' }),
    turns: el('div', { class: 'turns' }),
    figures: el('div', {}, waiting(1)),
    list: el('ol', { class: 'entries' }),
    none: el('div', {}, waiting(5)),
    summary: el('div', {}),
  };
  page.all = [el('div', { class: 'row' }, page.heading, page.live), page.turns, page.figures, page.none, page.list, page.summary];
  return page;
}

function draw(page, net, data, again) {
  replace(page.heading, weekName(data.week));
  replace(page.turns, turns(net, data));
  replace(page.figures, weekFigures(data));
  const fresh = keyed(page.list, data.entries, ({ username }) => username, (one) => entry(net, one));
  if (again) for (const node of fresh) node.classList.add('fresh');
  replace(page.none, data.entries.length === 0 && empty(t('board.none'), t(data.is_open ? 'board.none.open' : 'board.none.do')), data.truncated && el('p', { class: 'soft' }, t('board.truncated')));
  // Redrawn only when it says something else: somebody may be copying it.
  const text = summaryText(data);
  if (page.summary.textContent.includes(text) && again) return;
  replace(page.summary, data.entries.length > 0 && summaryCard(t('summary'), data));
}

function turns(net, { previous, next }) {
  const to = (week, words, rel) => week && el('a', { class: 'button', rel, href: address('board', { net: net.name, week }) }, t(words));
  return [to(previous, 'week.before', 'prev'), to(next, 'week.after', 'next'), next && el('a', { class: 'button', href: address('board', { net: net.name }) }, t('week.now'))];
}

function weekFigures({ total, first_timers: first, returning, longest_streak: longest }) {
  return figures([
    [t('figure.people'), total],
    [t('figure.first'), first],
    [t('figure.returning'), returning],
    [t('figure.longest'), longest ? t('weeks.n', { n: longest.weeks }) : '—', longest && name(longest.username)],
  ]);
}
