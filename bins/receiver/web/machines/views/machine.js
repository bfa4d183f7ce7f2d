// One machine: its figures over hours or days, what is known of it, what was done to it, and its end.

import { dialog } from '../../parts/dialog.js';
import { ceiling } from '../../parts/bars.js';
import { el, name, replace } from '../../parts/dom.js';
import { empty, sentence, toast, waiting } from '../../parts/feedback.js';
import { number, parts, t } from '../../parts/i18n.js';
import { chart } from '../../parts/line.js';
import { moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { switches } from '../actions.js';
import { nameOf, path, stateOf } from '../fleet.js';
import { percent, stateWords, uptime } from '../tile.js';
import { logTable } from './log.js';
import { deviceForm } from './register.js';

const HOUR = 3_600_000;
/** What is looked at, and how long a step of it is in seconds. */
const SPANS = { '1h': [HOUR, 60], '6h': [6 * HOUR, 120], '24h': [24 * HOUR, 600], '7d': [168 * HOUR, 3600], '30d': [720 * HOUR, 14_400] };

export const machine = { id: 'machine', under: 'machines', hidden: true, show };

async function show(context) {
  const { root, params, signal, shared } = context;
  const ip = params.get('ip') ?? '';
  const device = shared.fleet.machines.get(ip);
  if (!device) return void replace(root, el('h1', {}, name(ip)), empty(t('machine.none'), t('machine.none.do'), el('a', { class: 'button', href: address('machines') }, t('view.machines'))));
  const page = {
    title: el('h1', {}),
    state: el('div', {}),
    buttons: el('div', { class: 'tile-buttons' }),
    facts: el('dl', { class: 'facts card' }),
    spans: el('div', { class: 'switch', role: 'group', 'aria-label': t('machine.span') }),
    charts: el('div', { class: 'charts' }, waiting(4)),
    log: el('div', {}, waiting(2)),
    edit: el('div', {}),
  };
  replace(root, el('div', { class: 'row' }, el('div', {}, page.title, page.state), page.buttons), el('div', { class: 'row' }, el('h2', {}, t('machine.history')), page.spans), page.charts, el('h2', {}, t('machine.about')), page.facts, el('h2', {}, t('machine.log')), page.log, page.edit);

  let shown = '';
  shared.fleet.watch(signal, (kind, what) => {
    if (kind === 'removed' && what.ip === ip) return void (location.hash = address('machines'));
    const now = shared.fleet.machines.get(ip);
    if (!now) return;
    facts(page, now);
    const buttons = `${stateOf(now)} ${Boolean(now.mac)} ${nameOf(now)}`;
    if (buttons !== shown) replace(page.buttons, switches(context, now));
    shown = buttons;
    if (kind === 'log' && what.ip === ip) commands(context, page, ip);
  });
  if (shared.fleet.mayAdminister) replace(page.edit, care(context, device));
  await Promise.all([spans(context, page, ip), commands(context, page, ip)]);
}

function facts(page, machine) {
  const { status } = machine;
  document.title = `${nameOf(machine)} · ${t('section.machines')}`;
  replace(page.title, name(nameOf(machine)));
  replace(page.state, stateWords(machine));
  const lines = [
    [t('fact.address'), machine.ip],
    [t('fact.hostname'), status && name(status.hostname)],
    [t('fact.platform'), status && name([status.platform, status.platform_version].filter(Boolean).join(' '))],
    [t('metric.uptime'), stateOf(machine) === 'online' && status && uptime(status.uptime)],
    [t('fact.mac'), machine.mac],
    [t('fact.groups'), machine.groups.length > 0 && el('ul', { class: 'chips' }, machine.groups.map((group) => el('li', {}, el('a', { class: 'chip', href: address('machines', { group }) }, name(group)))))],
    [t('fact.user'), machine.user && name(machine.user)],
    [t('fact.status-at'), machine.status_at && moment(machine.status_at, 'relative')],
  ];
  // Only what has changed is drawn anew: whoever is on a group's link stays there.
  lines.forEach(([label, value], index) => {
    const line = el('div', {}, el('dt', {}, label), el('dd', {}, value || '—'));
    const old = page.facts.children[index];
    if (!old) page.facts.append(line);
    else if (old.textContent !== line.textContent) old.replaceWith(line);
  });
}

async function spans(context, page, ip) {
  let span = context.params.get('span') in SPANS ? context.params.get('span') : '6h';
  const buttons = Object.keys(SPANS).map((id) => {
    const press = () => {
      span = id;
      history.replaceState(null, '', address('machine', { ip, span }));
      mark();
      draw().catch((error) => replace(page.charts, el('p', { class: 'bad' }, sentence(error))));
    };
    return [id, el('button', { type: 'button', onclick: press }, t(`span.${id}`))];
  });
  const mark = () => buttons.forEach(([id, node]) => node.setAttribute('aria-pressed', String(id === span)));
  replace(page.spans, buttons.map(([, node]) => node));
  mark();

  async function draw() {
    const [length, step] = SPANS[span];
    const to = new Date();
    const from = new Date(to - length);
    const { data } = await context.api.get(path('devices', ip, 'history'), { from: from.toISOString(), to: to.toISOString(), step }, context.signal);
    if (context.signal.aborted) return;
    replace(page.charts, data.points.length ? charts(data.points, from.getTime(), to.getTime(), step) : empty(t('machine.no-history'), t('machine.no-history.do')));
  }
  // A step further, the drawing is a step behind.
  const timer = setInterval(() => document.hidden || draw().catch(() => {}), 60_000);
  context.signal.addEventListener('abort', () => clearInterval(timer));
  await draw();
}

function charts(points, from, to, step) {
  const gap = Math.max(150_000, step * 2500);
  const shares = ['cpu', 'memory', 'disk'].map((key) => ({ key, top: 100, format: percent, values: points.map((point) => point[`${key}_percent`]) }));
  const longest = Math.max(0, ...points.map(({ uptime }) => uptime ?? 0));
  const [unit, words] = longest > 2 * 86_400 ? [86_400, 'days'] : [3600, 'hours'];
  const up = { key: 'uptime', top: ceiling(longest / unit), format: (value) => t(words, { n: Math.round(value * 10) / 10 }), values: points.map(({ uptime }) => (typeof uptime === 'number' ? uptime / unit : null)) };
  const all = [...shares, up];
  return all.map(({ key, top, format, values }) => {
    const known = values.filter((value) => typeof value === 'number');
    const title = t(`metric.${key}`);
    const label = known.length ? t('chart.label', { title, now: format(known.at(-1)), least: format(Math.min(...known)), most: format(Math.max(...known)) }) : t('chart.empty', { title });
    return chart(points.map(({ at }, index) => ({ time: Date.parse(at), value: values[index] })), { title, label, from, to, top, gap, format });
  });
}

async function commands({ api, signal, shared }, page, ip) {
  const { data } = await api.get(path('log'), { ip, limit: 10 }, signal);
  if (!signal.aborted) replace(page.log, data.entries.length ? logTable(shared.fleet, data.entries, { machine: false }) : el('p', { class: 'soft' }, t('machine.no-log')));
}

/** Changing, a new password, and the end. */
function care(context, device) {
  const { api } = context;
  const saved = async (values) => {
    const { status, data } = await api.send('PUT', path('devices', device.ip), { ...values, user: device.user });
    if (status >= 300) return data?.error ?? t('error.refused', { status });
    toast(t('machine.saved'));
    return null;
  };
  const retire = async () => {
    if (!(await sure(parts('retire.ask', { name: name(nameOf(device)) }), t('retire.why'), t('retire.do'), 'shutdown'))) return;
    const { status, data } = await api.send('DELETE', path('devices', device.ip));
    if (status >= 300) return void toast(data?.error ?? t('error.refused', { status }));
    context.shared.fleet.take({ event: 'removed', data: { ip: device.ip } });
    toast(t('retire.done', { name: nameOf(device) }));
    location.hash = address('machines');
  };
  return el(
    'details',
    { class: 'card care' },
    el('summary', {}, t('machine.change')),
    deviceForm(device, saved),
    el('div', { class: 'tile-buttons' }, el('button', { class: 'button shutdown', type: 'button', onclick: retire }, t('retire.do'))),
  );
}

/** Whether somebody means it. */
async function sure(question, why, yes, kind = '') {
  const label = [question].flat().map((part) => part?.textContent ?? part).join('');
  const answer = await dialog(label, (close) => [
    el('h2', { class: 'dialog-title' }, question),
    el('p', { class: 'soft' }, why),
    el('div', { class: 'dialog-buttons' }, el('button', { class: 'button', type: 'button', autofocus: true, onclick: () => close(false) }, t('ask.no')), el('button', { class: `button strong ${kind}`, type: 'button', onclick: () => close(true) }, yes)),
  ]);
  return answer === true;
}
