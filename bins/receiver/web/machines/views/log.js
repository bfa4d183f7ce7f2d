// Who did what to which machine, when, and what came of it.

import { el, name, replace } from '../../parts/dom.js';
import { empty, sentence, waiting } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { line, table } from '../../parts/table.js';
import { moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { nameOf, path, targetWords } from '../fleet.js';
import { isWell, sentenceOf } from '../told.js';

const PAGE = 50;

export const log = { id: 'log', show };

async function show({ api, root, signal, shared }) {
  const body = el('div', {}, waiting(5));
  const more = el('button', { class: 'button more', type: 'button', hidden: true }, t('more'));
  const wrong = el('p', { class: 'bad', role: 'alert' });
  replace(root, el('h1', {}, t('view.log')), el('p', { class: 'soft' }, t('log.what')), body, more, wrong);
  let last;
  const ask = (before) => api.get(path('log'), { before, limit: PAGE }, signal);

  async function first() {
    const { data } = await ask();
    if (signal.aborted) return;
    replace(body, data.entries.length ? logTable(shared.fleet, data.entries) : empty(t('log.none'), t('log.none.do')));
    page(data);
  }
  function page({ next }) {
    last = next;
    more.hidden = next === null;
  }
  more.addEventListener('click', async () => {
    more.disabled = true;
    try {
      const { data } = await ask(last);
      const columns = COLUMNS(shared.fleet);
      body.querySelector('tbody').append(...data.entries.map((entry, index) => line(columns, entry, index)));
      page(data);
    } catch (error) {
      replace(wrong, sentence(error));
    } finally {
      more.disabled = false;
    }
  });
  shared.fleet.watch(signal, (kind) => kind === 'log' && first().catch(() => {}));
  await first();
}

/** The entries as a table; that of one machine does not name it. */
export function logTable(fleet, entries, { machine = true } = {}) {
  return table(t('view.log'), COLUMNS(fleet).filter(({ id }) => machine || id !== 'machine'), entries);
}

const COLUMNS = (fleet) => [
  { id: 'when', label: t('log.when'), cell: ({ at }) => moment(at) },
  { id: 'what', label: t('log.what-done'), kind: 'main', cell: ({ command }) => t(`do.${command}`) },
  { id: 'machine', label: t('log.machine'), cell: (entry) => whom(fleet, entry) },
  { id: 'who', label: t('log.who'), cell: (entry) => who(entry) },
  { id: 'outcome', label: t('log.outcome'), kind: 'wide', cell: (entry) => el('span', { class: !isWell(entry) && 'bad', title: entry.message }, sentenceOf(entry)) },
];

function whom(fleet, { ip, target }) {
  if (!ip) return targetWords(fleet, target);
  return el('a', { href: address('machine', { ip }) }, name(fleet.machines.has(ip) ? nameOf(fleet.machines.get(ip)) : ip));
}

function who({ who, schedule }) {
  return [schedule && [t('log.schedule'), ' '], name(who)];
}
