// The nets that the operator has set up: which one is looked at, and whether it is open.

import { copyButton } from '../parts/copy.js';
import { el, name } from '../parts/dom.js';
import { empty } from '../parts/feedback.js';
import { parts, t } from '../parts/i18n.js';
import { poll } from '../parts/poll.js';
import { recall, remember } from '../parts/store.js';
import { day, left, moment } from '../parts/time.js';
import { address } from '../shell.js';

// Relative to the page, so that both may stand below a folder of a reverse proxy.
const API = '../../v1/checkins';

/** Between two looks at whether the net is open. */
const SECONDS = 30;

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

/** The net's name, or a choice where there are several, and whether it is open, which stays true while the page is. */
export function head(context) {
  const net = context.view === 'bots' ? undefined : netOf(context);
  if (!net) return null;
  let shown = state(net);
  async function round() {
    const { nets } = await prepare(context.api, context.signal);
    Object.assign(net, nets.find(({ name }) => name === net.name));
    const now = state(net);
    shown.replaceWith(now);
    shown = now;
  }
  poll(round, SECONDS, context.signal);
  return el('div', { class: 'net' }, chooser(context, net), el('p', { class: 'soft' }, name(net.channel)), shown);
}

function chooser({ shared, view, params }, net) {
  if (shared.nets.length === 1) return el('p', { class: 'net-name' }, name(net.name));
  const go = (event) => {
    const kept = view === 'person' ? { name: params.get('name') } : { q: params.get('q') };
    location.hash = address(view, { net: event.target.value, ...kept });
  };
  const options = shared.nets.map((one) => el('option', { value: one.name, selected: one === net }, one.name));
  return el('select', { 'aria-label': t('net.choose'), onchange: go }, options);
}

/** `Open until 21:00, 2 h 05 min left`, or when it opens again. */
function state({ current, next }) {
  const now = new Date();
  const upcoming = [{ ...current }, next].find((week) => week && new Date(week.opens_at) > now);
  const until = (at) => ({ time: moment(at), left: el('span', {}, left(at, now)) });
  const words = current.is_open
    ? parts('net.open', until(current.closes_at))
    : upcoming
      ? parts('net.opens', until(upcoming.opens_at))
      : parts('net.closed', { time: moment(current.closes_at) });
  return el('p', { class: 'net-state', 'data-open': String(current.is_open) }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', {}, words));
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
