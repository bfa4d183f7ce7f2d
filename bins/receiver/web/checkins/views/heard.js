// "Was I heard?": a name, and this week's answer.

import { el, name, replace } from '../../parts/dom.js';
import { empty, trouble } from '../../parts/feedback.js';
import { parts, t } from '../../parts/i18n.js';
import { poll } from '../../parts/poll.js';
import { either } from '../../parts/signal.js';
import { recall, remember } from '../../parts/store.js';
import { moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { netPath, path, personLink, withNet } from '../nets.js';
import { hearers, said } from '../records.js';

const PAUSE = 250;
const SECONDS = 15;

export const heard = { id: 'heard', show: withNet(show) };

function show({ api, root, params, signal, net }) {
  const input = el('input', { id: 'who', type: 'search', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 200, value: params.get('q') ?? recall('who') ?? '', dir: 'auto' });
  const answer = el('div', { class: 'answer', role: 'status', 'aria-live': 'polite' });
  const form = el(
    'form',
    { class: 'ask', role: 'search' },
    el('h1', {}, el('label', { for: 'who' }, t('view.heard'))),
    el('div', { class: 'ask-line' }, input, el('button', { class: 'button strong', type: 'submit' }, t('heard.look'))),
    el('p', { class: 'soft' }, t('heard.hint')),
  );
  replace(root, form, answer);

  let asking = new AbortController();
  let pause;
  function ask() {
    clearTimeout(pause);
    asking.abort();
    asking = new AbortController();
    const both = either(signal, asking.signal);
    const q = input.value.trim();
    if (q === '') remember('who', null);
    // The address can be sent to a friend; the way back does not lead through each letter.
    history.replaceState(null, '', address('heard', { net: net.name, q }));
    const work = q === '' ? () => summary({ api, net, answer, signal: both }) : () => look({ api, net, q, answer, signal: both });
    poll(work, SECONDS, both, (error) => error && answer.dataset.shown !== `${net.name}\n${q}` && replace(answer, trouble(error)));
  }
  input.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(ask, PAUSE);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask();
  });
  signal.addEventListener('abort', () => clearTimeout(pause));
  ask();
}

/** Nobody is looked for yet: how the week stands. */
async function summary({ api, net, answer, signal }) {
  const { data, fresh } = await api.get(netPath(net, 'weeks', 'current'), {}, signal);
  const shown = `${net.name}\n`;
  if (signal.aborted || (!fresh && answer.dataset.shown === shown)) return;
  answer.dataset.shown = shown;
  if (data.total === 0) return replace(answer, empty(t('board.none'), t(data.is_open ? 'board.none.open' : 'board.none.do')));
  const chips = data.entries.slice(0, 24).map(({ username }) => el('li', {}, el('a', { class: 'chip', href: address('heard', { net: net.name, q: username }) }, name(username))));
  replace(answer, el('p', { class: 'soft' }, t('heard.sofar', { n: data.total })), el('ul', { class: 'chips' }, chips));
}

async function look({ api, net, q, answer, signal }) {
  const { data, fresh } = await api.get(path('search'), { net: net.name, q }, signal);
  const shown = `${net.name}\n${q}`;
  if (signal.aborted || (!fresh && answer.dataset.shown === shown)) return;
  answer.dataset.shown = shown;
  const exact = (list) => list.filter(({ username }) => fold(username) === fold(q));
  const near = data.results.filter(({ username }) => fold(username) !== fold(q));
  const [counted, outside] = [exact(data.results), exact(data.outside)];
  // Whoever was found asks for the same name next week.
  if (counted.length + outside.length > 0) remember('who', q);
  const verdict = counted.length ? yes(net, counted) : outside.length ? almost(net, outside) : notYet(net, q, near.length);
  replace(answer, verdict, near.length > 0 && others(net, near, counted.length), data.more && el('p', { class: 'soft' }, t('heard.more')));
}

function fold(text) {
  return text.trim().toLowerCase();
}

function yes(net, found) {
  return el(
    'section',
    { class: 'card yes' },
    el('p', { class: 'verdict' }, el('span', { class: 'tick', 'aria-hidden': 'true' }), el('span', {}, parts('heard.yes', { name: personLink(net, found[0].username) }))),
    el('ul', { class: 'plain' }, found.map((one) => message(one))),
  );
}

/** Heard, and not counted: why, for each message. */
function almost(net, found) {
  const reason = (one) => parts(`outside.${one.reason === 'phrase' ? 'phrase' : 'window'}`, { phrase: name(net.phrase ?? '') });
  return el(
    'section',
    { class: 'card almost' },
    el('p', { class: 'verdict' }, el('span', {}, parts('heard.almost', { name: personLink(net, found[0].username) }))),
    el('ul', { class: 'plain' }, found.map((one) => message(one, reason(one)))),
  );
}

function message({ message, timestamp, heard_by: heardBy }, reason) {
  return el(
    'li',
    { class: 'heard-one' },
    said(message),
    reason && el('p', { class: 'warm' }, reason),
    el('p', { class: 'soft' }, moment(timestamp), ' · ', t('heard.by', { n: heardBy.length })),
    hearers(heardBy),
  );
}

function notYet(net, q, near) {
  const words = near ? 'heard.near' : net.current.is_open ? (net.phrase ? 'heard.open.phrase' : 'heard.open') : 'heard.closed';
  return el(
    'section',
    { class: 'card no' },
    el('p', { class: 'verdict' }, el('span', {}, parts('heard.no', { name: name(q) }))),
    el('p', { class: 'soft' }, parts(words, { channel: name(net.channel), phrase: name(net.phrase ?? '') })),
  );
}

function others(net, found, alsoExact) {
  const one = ({ username, message: text, timestamp, heard_by: heardBy }) =>
    el('li', { class: 'entry' }, el('div', { class: 'entry-who' }, personLink(net, username)), el('div', { class: 'entry-when' }, moment(timestamp)), said(text), hearers(heardBy));
  return el('section', {}, el('h2', {}, t(alsoExact ? 'heard.others' : 'heard.similar')), el('ul', { class: 'entries' }, found.map(one)));
}
