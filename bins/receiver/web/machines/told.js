// What came of a command, in a person's words.

import { el, name } from '../parts/dom.js';
import { number, t } from '../parts/i18n.js';

/** Outcomes after which there is nothing to put right. */
const WELL = new Set(['done', 'up', 'sent']);

/** Whether a command did what it was for. */
export function isWell({ outcome }) {
  return WELL.has(outcome);
}

/** A sentence: what the machine did, or why it did not. */
export function sentenceOf({ outcome, command, code, message }) {
  if (outcome === 'refused') {
    const reason = code && t(`refusal.${code}`);
    const known = reason && reason !== `refusal.${code}`;
    return known ? reason : t('outcome.refused', { message: message ?? '' }).trim();
  }
  const special = t(`outcome.${outcome}.${command}`);
  const words = special === `outcome.${outcome}.${command}` ? t(`outcome.${outcome}`) : special;
  return words === `outcome.${outcome}` ? (message ?? outcome) : words;
}

/** The sentence with its mark, the machine's own words below it, and how long it took. */
export function verdict(result) {
  const own = result.message && sentenceOf(result) !== result.message && result.message;
  return el(
    'div',
    { class: 'outcome', 'data-well': String(isWell(result)) },
    el('p', { class: 'strong' }, sentenceOf(result)),
    own && el('p', { class: 'soft' }, t('answer.words'), ' ', name(own)),
    result.took_ms > 0 && el('p', { class: 'soft' }, t('answer.took', { time: duration(result.took_ms) })),
  );
}

/** `0.3 s`. */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${number(milliseconds)}\u00a0ms` : `${number(Math.round(milliseconds / 100) / 10)}\u00a0s`;
}

/** The answer of the document's four addresses, as an entry of the log would have it. */
export function resultOf(command, { status, data }) {
  if (status === 200) return { ...data, command, outcome: 'done' };
  const { code, error: message = '' } = data ?? {};
  const outcomes = { 403: 'forbidden', 404: 'unknown', 409: { failed: 'failed', no_mac: 'unsent' }[code] ?? 'refused', 504: 'no_answer' };
  return { command, code, message, outcome: outcomes[status] ?? 'unsent' };
}
