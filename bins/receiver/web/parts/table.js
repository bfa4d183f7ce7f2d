// A table that becomes a list of cards on a phone.

import { el } from './dom.js';

/**
 * `columns`: `{ label, cell(row, index), kind }`, where `kind` is `number`, `main` or nothing. The first column of kind `main` names its row.
 */
export function table(caption, columns, rows) {
  const head = columns.map(({ label, kind }) => el('th', { scope: 'col', class: kind }, label));
  return el(
    'table',
    { class: 'table' },
    el('caption', { class: 'unseen' }, caption),
    el('thead', {}, el('tr', {}, head)),
    el('tbody', {}, rows.map((row, index) => line(columns, row, index))),
  );
}

/** One row of it. */
export function line(columns, row, index) {
  const cells = columns.map(({ label, cell, kind }) => {
    const main = kind === 'main';
    return el(main ? 'th' : 'td', { class: kind, scope: main && 'row', 'data-label': label }, cell(row, index));
  });
  return el('tr', {}, cells);
}
