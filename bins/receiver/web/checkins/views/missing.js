// Regulars who were not heard this week.

import { el, replace } from '../../parts/dom.js';
import { empty, waiting } from '../../parts/feedback.js';
import { number, t } from '../../parts/i18n.js';
import { table } from '../../parts/table.js';
import { day } from '../../parts/time.js';
import { netPath, personLink, withNet } from '../nets.js';

export const missing = { id: 'missing', show: withNet(show) };

async function show({ api, root, signal, net }) {
  const heading = el('h1', {}, t('view.missing'));
  replace(root, heading, waiting(4));
  const { data } = await api.get(netPath(net, 'missing'), {}, signal);
  if (signal.aborted) return;
  if (data.people.length === 0) return void replace(root, heading, empty(t('missing.none'), t('missing.none.what')));
  const columns = [
    { label: t('column.name'), kind: 'main', cell: ({ username }) => personLink(net, username) },
    { label: t('column.lastseen'), kind: 'number', cell: ({ last_week: last }) => day(last) },
    { label: t('column.weeks'), kind: 'number', cell: ({ weeks }) => number(weeks) },
    { label: t('column.before'), kind: 'number', cell: ({ streak }) => number(streak) },
    { label: t('column.longest'), kind: 'number', cell: ({ longest_streak: longest }) => number(longest) },
  ];
  const note = t(data.is_open ? 'missing.open' : 'missing.what', { present: data.present, of: data.of });
  replace(root, heading, el('p', { class: 'soft' }, note), table(t('view.missing'), columns, data.people));
}
