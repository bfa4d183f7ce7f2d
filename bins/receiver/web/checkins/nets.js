// The nets that the operator has set up: which one is looked at, and whether it is open.

import { copyButton } from '../parts/copy.js';
import { el, name } from '../parts/dom.js';
import { empty } from '../parts/feedback.js';
import { parts, t } from '../parts/i18n.js';
import { recall, remember } from '../parts/store.js';
import { day, left, moment } from '../parts/time.js';
import { address } from '../shell.js';

// Relative to the page, so that both may stand below a folder of a reverse proxy.
const API = '../../v1/checkins';

/** The path of what belongs to a net. */
export function netPath(net, ...steps) {
  return [API, 'nets', net.name, ...steps].map((step, index) => (index ? encodeURIComponent(step) : step)).join('/');
}

/** The path of what belongs to none. */
export function path(...steps) {
  return [API, ...steps].join('/');
}

export async function prepare(api, signal) {
  const { data } = await api.get(path('nets'), {}, signal);
  return { nets: data.nets };
}

/** The net that the address names, or the one looked at last, or the first. */
export function netOf({ shared, params }) {
  const named = (text) => shared.nets.find(({ name }) => name === text);
  const net = named(params.get('net')) ?? named(recall('net')) ?? shared.nets[0];
  if (net) remember('net', net.name);
  return net;
}

/** The net's name, or a choice where there are several, and when it is open. */
export function head(context) {
  const net = context.view === 'bots' ? undefined : netOf(context);
  if (!net) return null;
  return el('div', { class: 'net' }, chooser(context, net), el('p', { class: 'soft' }, name(net.channel)), state(net));
}

function chooser({ shared, view, params }, net) {
  if (shared.nets.length === 1) return el('p', { class: 'net-name' }, name(net.name));
  const go = (event) => {
    const kept = view === 'person' ? { name: params.get('name') } : { q: params.get('q') };
    location.hash = address(view, { net: event.target.value, ...kept });
  };
  const options = shared.nets.map((one) => el('option', { value: one.name, selected: one === net }, one.name));
  return el('label', { class: 'net-choice' }, el('span', { class: 'unseen' }, t('net.choose')), el('select', { onchange: go }, options));
}

/** `Open, closes in 2 h 05 min`. */
function state({ current }) {
  const open = current.is_open;
  const now = new Date();
  const next = open ? current.closes_at : current.opens_at;
  const ahead = new Date(next) > now;
  const words = open ? 'net.open' : ahead ? 'net.opens' : 'net.closed';
  const time = moment(open || !ahead ? current.closes_at : current.opens_at);
  return el(
    'p',
    { class: 'net-state', 'data-open': String(open) },
    el('span', { class: 'dot', 'aria-hidden': 'true' }),
    el('span', {}, parts(words, { time, left: el('span', {}, left(next, now)) })),
  );
}

const EXAMPLE = `[[checkin.net]]
name = "Mesh Monday"
channel = "#meshmonday"
weekday = "monday"
opens = "17:00"
closes = "21:00"
zone = "America/Denver"`;

/** Runs `show` with the net, or says how a net is set up. */
export function withNet(show) {
  return async (context) => {
    const net = netOf(context);
    if (net) return show({ ...context, net });
    const text = el('pre', { class: 'paste', tabindex: 0 }, EXAMPLE);
    context.root.replaceChildren(empty(t('net.none'), t('net.none.do'), text, copyButton(text)));
  };
}

/** The heading of a week: `Week of 3 March 2025`. */
export function weekName(week) {
  return t('week.of', { day: day(week) });
}

/** A person's name that leads to the person's page. */
export function personLink(net, username) {
  return el('a', { href: address('person', { net: net.name, name: username }) }, name(username));
}
