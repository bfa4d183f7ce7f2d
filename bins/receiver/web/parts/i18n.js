// The words of the page, in the reader's language.

import { recall, remember } from './store.js';

export const LANGUAGES = { en: 'English', fr: 'Français' };

const dictionaries = { en: {}, fr: {} };
const preferred = navigator.languages?.length ? navigator.languages : ['en'];

let current = choose();

function choose() {
  const kept = recall('language');
  if (kept in LANGUAGES) return kept;
  return preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LANGUAGES) ?? 'en';
}

/** The language in use: `en` or `fr`. */
export function language() {
  return current;
}

/** The locale for numbers and times: the reader's own variety of the language, such as `en-GB`. */
export function locale() {
  return preferred.find((tag) => tag.toLowerCase().startsWith(current)) ?? current;
}

/** Changes the language and remembers it. */
export function speak(tag) {
  current = tag in LANGUAGES ? tag : 'en';
  remember('language', current);
}

/** Adds the words of a section: `{ en: { key: text }, fr: { … } }`. */
export function learn(words) {
  for (const tag of Object.keys(LANGUAGES)) Object.assign(dictionaries[tag], words[tag]);
}

/** The words known, for the test that both languages say the same things. */
export function words() {
  return dictionaries;
}

/**
 * The text of `key`. `{name}` in it becomes a value of `values`. Where the text is `{ one, other }`, the number `n` chooses.
 */
export function t(key, values = {}) {
  let text = dictionaries[current][key] ?? dictionaries.en[key] ?? key;
  if (typeof text === 'object') {
    text = text[new Intl.PluralRules(current).select(values.n ?? 0)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : (value ?? whole);
  });
}

/**
 * The same with elements as values: gives a list of texts and elements, so that a name within a sentence stays an element of its own.
 */
export function parts(key, values) {
  const text = t(key, Object.fromEntries(Object.keys(values).map((name) => [name, `\u0000${name}\u0000`])));
  return text.split('\u0000').map((piece, index) => (index % 2 ? values[piece] : piece));
}

/** A number as the reader writes it. */
export function number(value) {
  return new Intl.NumberFormat(locale()).format(value);
}
