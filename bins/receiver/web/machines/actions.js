// The switches. Whatever changes a machine is asked about first; then the answer is waited for and shown.

import { dialog } from '../parts/dialog.js';
import { el, name, replace } from '../parts/dom.js';
import { sentence, waiting } from '../parts/feedback.js';
import { number, parts, t } from '../parts/i18n.js';
import { nameOf, path, stateOf } from './fleet.js';
import { isWell, resultOf, sentenceOf, verdict } from './told.js';

/** What can be done to a machine that is there. */
const WHEN_ONLINE = ['status', 'reboot', 'shutdown'];
const WHEN_AWAY = ['status', 'wol'];
/** A machine has 5 s to answer, many of them a moment more each; a machine that is woken gets minutes. */
const SECONDS = 240;

/** The buttons of a machine: those that can do something for it now. */
export function switches(context, machine) {
  if (!context.shared.fleet.mayControl) return [];
  const actions = stateOf(machine) === 'online' ? WHEN_ONLINE : WHEN_AWAY;
  return actions.map((action) => {
    const dark = action === 'wol' && !machine.mac;
    const press = () => act(context, { action, machine });
    return el('button', { class: `button small ${action}`, type: 'button', disabled: dark, title: dark && t('wol.no-mac'), onclick: press, 'aria-label': `${t(`do.${action}`)}: ${nameOf(machine)}` }, t(`do.${action}`));
  });
}

/** The buttons of a group, or of all: `{ group, size }`. */
export function switchesOfMany(context, target) {
  if (!context.shared.fleet.mayControl) return [];
  return ['status', 'wol', 'reboot', 'shutdown'].map((action) => {
    const press = () => act(context, { action, ...target });
    return el('button', { class: `button small ${action}`, type: 'button', onclick: press }, t(`do.${action}`));
  });
}

/** Asks, acts, and shows what came of it. To ask a machine for its status changes nothing, so that nobody is asked about it. */
async function act(context, { action, machine, group, size }) {
  const one = machine !== undefined;
  const target = one ? { name: name(nameOf(machine)) } : { n: size, group: group && name(group) };
  const question = parts(`ask.${action}.${one ? 'one' : group ? 'group' : 'all'}`, target);
  const label = question.map((part) => part?.textContent ?? part).join('');
  await dialog(label, (close) => {
    const body = el('div', { class: 'dialog-body', role: 'status', 'aria-live': 'polite' });
    const buttons = el('div', { class: 'dialog-buttons' });
    const go = () => carryOut(context, { action, machine, group, size }, { body, buttons, close });
    if (action === 'status' && one) go();
    else askFirst({ action, one, size }, { body, buttons, close, go });
    return [el('h2', { class: 'dialog-title' }, question), body, buttons];
  });
}

function askFirst({ action, one, size }, { body, buttons, close, go }) {
  replace(body, el('p', { class: 'soft' }, t(`ask.${action}.why`)));
  const words = one ? t(`do.${action}`) : t(`do.${action}.many`, { n: size });
  replace(
    buttons,
    el('button', { class: 'button', type: 'button', onclick: () => close(), autofocus: true }, t('ask.no')),
    el('button', { class: `button strong ${action}`, type: 'button', onclick: go }, words),
  );
}

async function carryOut({ api, shared: { fleet } }, { action, machine, group, size }, { body, buttons, close }) {
  const leave = el('button', { class: 'button', type: 'button', onclick: () => close() }, t('close'));
  replace(buttons, leave);
  leave.focus();
  replace(body, el('p', {}, machine ? t(`waiting.${action}`) : t('waiting.many', { n: size })), waiting(1));
  try {
    if (machine) {
      const answer = await api.send('POST', `../../api/tracking/${action}/${encodeURIComponent(machine.ip)}`, undefined, undefined, SECONDS);
      replace(body, verdict(resultOf(action, answer)));
      if (action === 'wol' && answer.status === 200) comesUp(fleet, machine, body);
    } else {
      const where = group ? path('groups', group, action) : path('all', action);
      const { status, data } = await api.send('POST', where, undefined, undefined, SECONDS);
      replace(body, status === 200 ? answers(fleet, data) : verdict(resultOf(action, { status, data })));
    }
  } catch (error) {
    replace(body, el('p', { class: 'bad', role: 'alert' }, sentence(error)));
  }
}

/** A machine that was woken comes up, or gives no sign: the stream tells. */
function comesUp(fleet, { ip }, body) {
  const ending = new AbortController();
  const line = el('div', {}, el('p', {}, t('waiting.wol')), waiting(1));
  body.append(line);
  body.closest('dialog').addEventListener('close', () => ending.abort());
  fleet.watch(ending.signal, () => {
    const result = fleet.machines.get(ip)?.wake?.result;
    if (result !== 'up' && result !== 'no_sign') return;
    ending.abort();
    replace(line, verdict({ outcome: result, command: 'wol' }));
  });
}

/** What each machine said; those that did not do it first. */
function answers(fleet, { command, done, answers: all }) {
  const results = all.map((result) => ({ command, ...result }));
  const sorted = results.sort((a, b) => isWell(a) - isWell(b));
  const called = ({ ip }) => name(fleet.machines.has(ip) ? nameOf(fleet.machines.get(ip)) : ip);
  const line = (result) =>
    el('li', { class: 'outcome', 'data-well': String(isWell(result)) }, el('span', { class: 'strong' }, called(result)), el('span', {}, sentenceOf(result)));
  return [el('p', { class: 'strong' }, t('answers.well', { n: done, all: number(all.length) })), el('ul', { class: 'plain answers' }, sorted.map(line))];
}
