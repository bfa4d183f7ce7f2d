// The bots' health: when each was last heard from, and what came of what it sent.

import { el, name, replace } from '../../parts/dom.js';
import { empty, sentence, waiting } from '../../parts/feedback.js';
import { number, t } from '../../parts/i18n.js';
import { poll } from '../../parts/poll.js';
import { table } from '../../parts/table.js';
import { moment } from '../../parts/time.js';
import { path } from '../nets.js';

const SECONDS = 30;
/** A net is weekly: a bot that was silent for longer than this missed one. */
const QUIET = 8 * 86_400_000;

export const bots = { id: 'bots', show };

function show({ api, root, signal, failed }) {
  const heading = el('h1', {}, t('view.bots'));
  const live = el('p', { class: 'live', role: 'status' });
  const body = el('div', {}, waiting(4));
  replace(root, el('div', { class: 'row' }, heading, live), el('p', { class: 'soft' }, t('bots.what')), body);
  let drawn = false;

  async function round() {
    const { data, fresh } = await api.get(path('bots'), {}, signal);
    if (signal.aborted || (drawn && !fresh)) return;
    drawn = true;
    replace(body, data.bots.length ? table(t('view.bots'), COLUMNS(), data.bots) : empty(t('bots.none'), t('bots.none.do')));
  }

  return poll(round, SECONDS, signal, (error) => {
    if (error && !drawn) return failed(error);
    replace(live, error ? t('live.late', { why: sentence(error) }) : t('live'));
    live.dataset.late = String(Boolean(error));
  });
}

const COLUMNS = () => [
  { label: t('column.bot'), kind: 'main', cell: ({ bot }) => name(bot) },
  { label: t('column.seen'), kind: 'number wide', cell: ({ last_seen: seen }) => [dot(seen), moment(seen, 'relative')] },
  { label: t('column.accepted'), kind: 'number', cell: ({ accepted }) => number(accepted) },
  { label: t('column.duplicates'), kind: 'number', cell: ({ duplicates }) => number(duplicates) },
  { label: t('column.rejected'), kind: 'number', cell: ({ rejected }) => el('span', { class: rejected > 0 && 'bad' }, number(rejected)) },
];

function dot(seen) {
  const quiet = new Date() - new Date(seen) > QUIET;
  return el('span', { class: 'state', 'data-quiet': String(quiet), title: t(quiet ? 'bots.quiet' : 'bots.well') });
}
