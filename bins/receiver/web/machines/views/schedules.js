// What is done at set times: on the receiver, in a time zone, to a machine, a group or all.

import { dialog } from '../../parts/dialog.js';
import { el, name, replace } from '../../parts/dom.js';
import { empty, sentence, toast, waiting } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { exact, moment } from '../../parts/time.js';
import { nameOf, path, targetWords } from '../fleet.js';

const PAUSE = 300;
const ACTIONS = ['shutdown', 'reboot', 'wol', 'status'];
/** The days of a cron expression. */
const DAYS = { daily: '*', workdays: '1-5', weekend: '0,6', own: null };

export const schedules = { id: 'schedules', show };

async function show(context) {
  const { api, root, signal, shared } = context;
  const list = el('div', {}, waiting(3));
  const load = async () => {
    const { data } = await api.get(path('schedules'), {}, signal);
    if (signal.aborted) return;
    const all = data.schedules;
    replace(list, all.length ? el('ul', { class: 'entries' }, all.map((one) => entry(context, one, load))) : empty(t('schedules.none'), t('schedules.none.do')));
  };
  replace(root, el('h1', {}, t('view.schedules')), el('p', { class: 'soft' }, t('schedules.what')), list, shared.fleet.mayAdminister && [el('h2', {}, t('schedule.new')), form(context, load)]);
  shared.fleet.watch(signal, (kind) => kind === 'log' && load().catch(() => {}));
  await load();
}

function entry({ api, shared }, schedule, load) {
  const { id, name: label, cron, zone, command, target, next, last } = schedule;
  const drop = async () => {
    const question = t('schedule.delete.ask', { name: label || id });
    const sure = await dialog(question, (close) => [
      el('h2', { class: 'dialog-title' }, question),
      el('p', { class: 'soft' }, t('schedule.delete.why')),
      el('div', { class: 'dialog-buttons' }, el('button', { class: 'button', type: 'button', autofocus: true, onclick: () => close() }, t('ask.no')), el('button', { class: 'button strong shutdown', type: 'button', onclick: () => close(true) }, t('schedule.delete'))),
    ]);
    if (!sure) return;
    const { status, data } = await api.send('DELETE', path('schedules', id));
    toast(status < 300 ? t('schedule.deleted') : (data?.error ?? t('error.refused', { status })));
    await load();
  };
  return el(
    'li',
    { class: 'entry schedule' },
    el('div', { class: 'entry-who' }, name(label || t(`do.${command}`)), el('span', { class: 'badge' }, t(`do.${command}`)), el('span', { class: 'strong' }, targetWords(shared.fleet, target))),
    el('div', { class: 'entry-when' }, next ? [t('schedule.next'), ' ', moment(next)] : t('schedule.never')),
    el('p', { class: 'soft' }, el('code', {}, cron), ' · ', zone, last && [' · ', t(last.outcome === 'missed' ? 'schedule.missed' : 'schedule.last', { done: last.done, failed: last.failed }), ' ', moment(last.slot)]),
    shared.fleet.mayAdminister && el('div', { class: 'entry-do' }, el('button', { class: 'button small', type: 'button', onclick: drop, 'aria-label': `${t('schedule.delete')}: ${label || id}` }, t('schedule.delete'))),
  );
}

/** A target as the API takes it. */
function targetBody(text) {
  const at = text.indexOf(':');
  return at < 0 ? text : { [text.slice(0, at)]: text.slice(at + 1) };
}

function options(all, chosen) {
  return all.map(([value, text]) => el('option', { value, selected: value === chosen }, text));
}

function form({ api, signal, shared }, load) {
  const { fleet } = shared;
  const select = (id, all, chosen) => el('select', { id }, options(all, chosen));
  const label = el('input', { id: 'schedule-name', type: 'text', maxlength: 100, autocomplete: 'off', required: true });
  const action = select('schedule-action', ACTIONS.map((id) => [id, t(`do.${id}`)]), 'shutdown');
  const target = el('select', { id: 'schedule-target' });
  const days = select('schedule-days', Object.keys(DAYS).map((id) => [id, t(`days.${id}`)]), 'daily');
  const time = el('input', { id: 'schedule-time', type: 'time', required: true, value: '20:00' });
  const cron = el('input', { id: 'schedule-cron', type: 'text', autocomplete: 'off', spellcheck: 'false', value: '0 20 * * *', 'aria-describedby': 'cron-hint' });
  const zone = el('input', { id: 'schedule-zone', type: 'text', list: 'zones', autocomplete: 'off', spellcheck: 'false', required: true, value: Intl.DateTimeFormat().resolvedOptions().timeZone });
  const zones = el('datalist', { id: 'zones' }, (Intl.supportedValuesOf?.('timeZone') ?? []).map((value) => el('option', { value })));
  const preview = el('div', { class: 'preview', role: 'status', 'aria-live': 'polite' });
  const wrong = el('p', { class: 'bad', role: 'alert' });
  const field = (node, text, ...more) => el('div', { class: 'field' }, el('label', { for: node.id }, text), node, more);
  const timeField = field(time, t('schedule.time'));
  const cronField = field(cron, t('schedule.cron'), el('p', { class: 'soft', id: 'cron-hint' }, t('schedule.cron.hint')));

  const expression = () => {
    if (days.value === 'own') return cron.value.trim();
    const [hour, minute] = time.value.split(':').map(Number);
    return `${minute} ${hour} * * ${DAYS[days.value]}`;
  };
  // Groups and machines come while the form is there; what was chosen stays.
  let known = '';
  fleet.watch(signal, () => {
    const all = [['all', t('target.all')], ...fleet.groups().map(({ name }) => [`group:${name}`, `${t('target.group')} ${name}`]), ...fleet.all().sort((a, b) => nameOf(a).localeCompare(nameOf(b))).map((one) => [`device:${one.ip}`, nameOf(one)])];
    const now = JSON.stringify(all);
    if (now !== known) replace(target, options(all, target.value));
    known = now;
  });

  let pause;
  let asked = 0;
  async function look() {
    const own = days.value === 'own';
    timeField.hidden = own;
    cronField.hidden = !own;
    const number = (asked += 1);
    const { status, data } = await api.send('POST', path('schedules', 'preview'), { cron: expression(), zone: zone.value.trim() }, signal);
    if (number !== asked || signal.aborted) return;
    if (status !== 200) return void replace(preview, el('p', { class: 'warm' }, data?.error ?? t('error.refused', { status })));
    const moments = data.next.slice(0, 4).map((at) => el('li', {}, exact(at)));
    replace(preview, moments.length ? [el('p', { class: 'soft' }, t('schedule.preview')), el('ul', { class: 'plain' }, moments)] : el('p', { class: 'warm' }, t('schedule.never')));
  }
  const later = () => {
    clearTimeout(pause);
    pause = setTimeout(() => look().catch(() => {}), PAUSE);
  };
  signal.addEventListener('abort', () => clearTimeout(pause));

  async function submit(event) {
    event.preventDefault();
    replace(wrong);
    try {
      const body = { name: label.value.trim(), cron: expression(), zone: zone.value.trim(), command: action.value, target: targetBody(target.value) };
      const { status, data } = await api.send('POST', path('schedules'), body);
      if (status >= 300) return void replace(wrong, data?.error ?? t('error.refused', { status }));
      label.value = '';
      toast(t('schedule.added'));
      await load();
    } catch (error) {
      replace(wrong, sentence(error));
    }
  }
  look().catch(() => {});
  return el(
    'form',
    { class: 'card form columns', onsubmit: submit, oninput: later },
    field(label, t('schedule.name')),
    field(action, t('schedule.action')),
    field(target, t('schedule.target')),
    field(days, t('schedule.days')),
    timeField,
    cronField,
    field(zone, t('schedule.zone')),
    zones,
    preview,
    wrong,
    el('div', { class: 'whole' }, el('button', { class: 'button strong', type: 'submit' }, t('schedule.add'))),
  );
}
