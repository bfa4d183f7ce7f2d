// A machine is added: what it is called, and what its agent needs to speak for it.

import { copyButton } from '../../parts/copy.js';
import { el, name, replace } from '../../parts/dom.js';
import { empty, sentence } from '../../parts/feedback.js';
import { t } from '../../parts/i18n.js';
import { address } from '../../shell.js';
import { path } from '../fleet.js';

export const register = { id: 'register', under: 'machines', hidden: true, show };

function show({ api, root, params, shared }) {
  if (!shared.fleet.mayAdminister) return void replace(root, el('h1', {}, t('view.register')), empty(t('register.not'), t('register.not.do')));
  const done = el('div', { class: 'stack' });
  const save = async (values) => {
    const { ip, ...rest } = values;
    const { status, data } = await api.send('PUT', path('devices', ip), { ...rest, user: userOf(ip) });
    if (status >= 300) return data?.error ?? t('error.refused', { status });
    replace(done, credentials(data));
    done.querySelector('h2')?.focus();
    return null;
  };
  replace(root, el('h1', {}, t('view.register')), el('p', { class: 'soft' }, t('register.what')), deviceForm(null, save, params.get('ip') ?? ''), done);
}

function field(id, label, hint, attributes) {
  const input = el('input', { id, type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', 'aria-describedby': `${id}-hint`, ...attributes });
  return { input, node: el('div', { class: 'field' }, el('label', { for: id }, label), input, el('p', { class: 'soft', id: `${id}-hint` }, hint)) };
}

/** The form of a machine, new or known. `save(values)` gives what is wrong, or nothing. */
export function deviceForm(device, save, ipGiven = '') {
  const ip = device ? null : field('ip', t('fact.address'), t('register.address'), { required: true, value: ipGiven });
  const label = field('name', t('register.name'), t('register.name.hint'), { value: device?.name ?? '', maxlength: 100, required: true });
  const mac = field('mac', t('fact.mac'), t('register.mac'), { value: device?.mac ?? '', maxlength: 17, placeholder: '00:00:5e:00:53:01' });
  const groups = field('groups', t('fact.groups'), t('register.groups'), { value: device?.groups.join(', ') ?? '' });
  const wrong = el('p', { class: 'bad', role: 'alert' });
  const button = el('button', { class: 'button strong', type: 'submit' }, t(device ? 'register.save' : 'register.add'));
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    replace(wrong);
    const values = {
      ...(ip && { ip: ip.input.value.trim() }),
      name: label.input.value.trim(),
      mac: mac.input.value.trim() || null,
      groups: groups.input.value.split(',').map((text) => text.trim()).filter(Boolean),
    };
    try {
      replace(wrong, await save(values));
    } catch (error) {
      replace(wrong, sentence(error));
    } finally {
      button.disabled = false;
    }
  };
  return el('form', { class: 'card form', onsubmit: submit }, ip?.node, label.node, mac.node, groups.node, wrong, el('div', {}, button));
}

/** The broker's user of an agent: its address, where a file of users takes no colon. */
function userOf(ip) {
  return ip.replaceAll(':', '-');
}

/** What the agent is told. Its password is made where the broker's users are. */
function credentials({ ip, name: called, user }) {
  const text = [`address:  ${ip}`, `user:     ${user ?? userOf(ip)}`, `topics:   ipwatch/device/${ip}/…`].join('\n');
  const settings = el('pre', { class: 'paste', tabindex: 0 }, text);
  const command = el('pre', { class: 'paste', tabindex: 0 }, 'receiver ipwatch broker-config --output /etc/mosquitto/ipwatch');
  return el(
    'section',
    { class: 'card stack yes' },
    el('h2', { tabindex: -1 }, t('credentials.title')),
    el('p', {}, t('credentials.broker')),
    el('div', { class: 'paste-row' }, command, copyButton(command, t('credentials.command'))),
    el('p', {}, t('credentials.agent')),
    el('div', { class: 'paste-row' }, settings, copyButton(settings, t('credentials.settings'))),
    el('p', { class: 'soft' }, t('credentials.next')),
    el('p', {}, el('a', { href: address('machine', { ip }) }, name(called))),
  );
}
