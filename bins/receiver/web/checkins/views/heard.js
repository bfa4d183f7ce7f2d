// "Was I heard?": a name, and this week's answer.

import { el, name, replace } from '../../parts/dom.js';
import { empty, trouble } from '../../parts/feedback.js';
import { parts, t } from '../../parts/i18n.js';
import { poll } from '../../parts/poll.js';
import { moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { netPath, path, personLink, withNet } from '../nets.js';
import { hearers, said } from '../records.js';

const PAUSE = 250;
const SECONDS = 15;

export const heard = { id: 'heard', show: withNet(show) };

function show({ api, root, params, signal, net }) {
  const input = el('input', { id: 'who', type: 'search', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 200, value: params.get('q') ?? '', dir: 'auto' });
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
    const both = AbortSignal.any([signal, asking.signal]);
    const q = input.value.trim();
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
  const people = data.total;
  if (people === 0) return replace(answer, empty(t('board.none'), t('board.none.do')));
  const names = [...new Set(data.entries.map(({ username }) => username))].slice(0, 24);
  const chips = names.map((username) => el('li', {}, el('a', { class: 'chip', href: address('heard', { net: net.name, q: username }) }, name(username))));
  replace(answer, el('p', { class: 'soft' }, t('heard.sofar', { n: people })), el('ul', { class: 'chips' }, chips));
}

async function look({ api, net, q, answer, signal }) {
  const { data, fresh } = await api.get(path('search'), { net: net.name, q }, signal);
  const shown = `${net.name}\n${q}`;
  if (signal.aborted || (!fresh && answer.dataset.shown === shown)) return;
  answer.dataset.shown = shown;
  const fold = (text) => text.trim().toLowerCase();
  const exact = data.results.filter(({ username }) => fold(username) === fold(q));
  const near = data.results.filter(({ username }) => fold(username) !== fold(q));
  replace(answer, exact.length ? yes(net, exact) : notYet(net, q, near.length), near.length > 0 && others(net, near, exact.length));
}

function yes(net, found) {
  const username = found[0].username;
  return el(
    'section',
    { class: 'card yes' },
    el('p', { class: 'verdict' }, el('span', { class: 'tick', 'aria-hidden': 'true' }), el('span', {}, parts('heard.yes', { name: personLink(net, username) }))),
    el('ul', { class: 'plain' }, found.map(message)),
  );
}

function message({ message, timestamp, heard_by: heardBy }) {
  return el('li', { class: 'heard-one' }, said(message), el('p', { class: 'soft' }, moment(timestamp), ' · ', t('heard.by', { n: heardBy.length })), hearers(heardBy));
}

function notYet(net, q, near) {
  const words = near ? 'heard.near' : net.current.is_open ? 'heard.open' : 'heard.closed';
  const who = () => name(q, { class: 'name asked' });
  return el('section', { class: 'card no' }, el('p', { class: 'verdict' }, el('span', {}, parts('heard.no', { name: who() }))), el('p', { class: 'soft' }, parts(words, { channel: name(net.channel), phrase: name(net.phrase ?? '') })));
}

function others(net, found, alsoExact) {
  const one = ({ username, message: text, timestamp, heard_by: heardBy }) =>
    el('li', { class: 'entry' }, el('div', { class: 'entry-who' }, personLink(net, username)), el('div', { class: 'entry-when' }, moment(timestamp)), said(text), hearers(heardBy));
  return el('section', {}, el('h2', {}, t(alsoExact ? 'heard.others' : 'heard.similar')), el('ul', { class: 'entries' }, found.map(one)));
}
