// A week in a line, ready to paste.

import { copyButton } from '../parts/copy.js';
import { el } from '../parts/dom.js';
import { language, t } from '../parts/i18n.js';
import { day } from '../parts/time.js';

/** The receiver writes it in English; in another language the page does. */
export function summaryText(board) {
  if (language() === 'en') return board.summary;
  const { net, week, total, first_timers: first, returning, longest_streak: longest } = board;
  const text = t('summary.text', { net, week: day(week), people: t('people.n', { n: total }), first: t('first.n', { n: first }), returning });
  return longest ? `${text} ${t('summary.longest', { name: longest.username, weeks: t('weeks.n', { n: longest.weeks }) })}` : text;
}

/** The long form and the one that fits into a message on the mesh, each with its button. */
export function summaryCard(title, board) {
  const one = (text, label) => {
    const paste = el('p', { class: 'paste' }, text);
    return el('div', { class: 'paste-row' }, paste, copyButton(paste, label));
  };
  return el(
    'section',
    { class: 'card summary' },
    el('h2', {}, title),
    one(summaryText(board), t('summary')),
    el('p', { class: 'soft' }, t('summary.short')),
    one(board.summary_short, t('summary.short')),
  );
}
