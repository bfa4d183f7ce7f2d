// Who comes, and how steadily.

import { el, replace } from '../../parts/dom.js';
import { empty, sentence, toast, waiting } from '../../parts/feedback.js';
import { number, t } from '../../parts/i18n.js';
import { line, table } from '../../parts/table.js';
import { dayShort } from '../../parts/time.js';
import { address } from '../../shell.js';
import { netPath, personLink, withNet } from '../nets.js';

const PAGE = 50;

export const leaders = { id: 'leaders', show: withNet(show) };

async function show({ api, root, signal, net }) {
  const heading = el('h1', {}, t('view.leaders'));
  replace(root, heading, waiting(6));
  const get = async (cursor) => (await api.get(netPath(net, 'leaderboard'), { limit: PAGE, cursor }, signal)).data;
  let page = await get();
  if (page.people.length === 0) return void replace(root, heading, empty(t('leaders.none'), t('weeks.none.do')));
  const columns = columnsOf(net, Math.max(1, ...page.people.map(({ weeks }) => weeks)));
  const list = table(t('view.leaders'), columns, page.people);
  const more = el('button', { class: 'button more', type: 'button', hidden: !page.next, onclick: further }, t('more'));
  let shown = page.people.length;

  async function further() {
    more.disabled = true;
    try {
      page = await get(page.next);
      list.tBodies[0].append(...page.people.map((row, index) => line(columns, row, shown + index)));
      shown += page.people.length;
      more.hidden = !page.next;
    } catch (error) {
      if (!signal.aborted) toast(sentence(error));
    } finally {
      more.disabled = false;
    }
  }

  replace(root, heading, el('p', { class: 'soft' }, t('leaders.what')), list, more);
}

function columnsOf(net, most) {
  return [
    { label: t('column.rank'), kind: 'number rank', cell: (_, index) => number(index + 1) },
    { label: t('column.name'), kind: 'main', cell: ({ username }) => personLink(net, username) },
    { label: t('column.weeks'), kind: 'number', cell: ({ weeks }) => [el('meter', { 'aria-hidden': 'true', min: 0, max: most, value: weeks }), number(weeks)] },
    { label: t('column.current'), kind: 'number', cell: ({ current_streak: current }) => el('span', { class: current > 0 ? 'strong' : 'soft' }, number(current)) },
    { label: t('column.longest'), kind: 'number', cell: ({ longest_streak: longest }) => number(longest) },
    { label: t('column.last'), kind: 'number wide', cell: ({ last_week: last }) => el('a', { href: address('board', { net: net.name, week: last }) }, dayShort(last)) },
  ];
}
