// All machines as tiles: found by name, group and state, and switched one by one or together.

import { el, name, replace } from '../../parts/dom.js';
import { empty } from '../../parts/feedback.js';
import { number, t } from '../../parts/i18n.js';
import { recall, remember } from '../../parts/store.js';
import { moment } from '../../parts/time.js';
import { address } from '../../shell.js';
import { switchesOfMany } from '../actions.js';
import { nameOf, stateOf } from '../fleet.js';
import { Tile, watchTiles } from '../tile.js';

/** As many tiles at first, and as many more at a time. */
const SHOWN = 120;
const STATES = ['online', 'offline', 'unknown'];

const ORDERS = {
  name: (a, b) => nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true }),
  state: (a, b) => STATES.indexOf(stateOf(b)) - STATES.indexOf(stateOf(a)),
  cpu: (a, b) => figure(b, 'cpu_percent') - figure(a, 'cpu_percent'),
  memory: (a, b) => figure(b, 'memory_percent') - figure(a, 'memory_percent'),
  disk: (a, b) => figure(b, 'disk_percent') - figure(a, 'disk_percent'),
};

function figure(machine, field) {
  return stateOf(machine) === 'online' ? (machine.status?.[field] ?? -1) : -1;
}

export const list = { id: 'machines', show };

function show(context) {
  const { root, params, signal, shared } = context;
  const { fleet } = shared;
  const chosen = { q: params.get('q') ?? '', group: params.get('group') ?? '', state: params.get('state') ?? '', sort: params.get('sort') ?? recall('machines.sort') ?? 'name', most: SHOWN };
  const page = layout(chosen, draw, fleet.mayAdminister);
  const tiles = new Map();
  const eye = watchTiles(signal);
  replace(root, page.all);

  function draw() {
    history.replaceState(null, '', address('machines', { q: chosen.q, group: chosen.group, state: chosen.state, sort: chosen.sort === 'name' ? '' : chosen.sort }));
    const all = fleet.all();
    const groups = fleet.groups();
    if (chosen.group && !groups.some((group) => group.name === chosen.group)) chosen.group = '';
    page.groups(groups);
    const inGroup = all.filter(({ groups }) => !chosen.group || groups.includes(chosen.group));
    page.figures(inGroup);
    const matching = inGroup.filter((machine) => matches(machine, chosen)).sort((a, b) => ORDERS[chosen.sort]?.(a, b) || ORDERS.name(a, b));
    place(matching.slice(0, chosen.most));
    replace(page.none, all.length === 0 ? nobody(fleet) : matching.length === 0 && empty(t('list.none'), t('list.none.do')));
    page.more.hidden = matching.length <= chosen.most;
    many(inGroup.length);
    page.strangers(fleet);
    page.filters.hidden = all.length === 0;
  }

  function place(wanted) {
    const seen = new Set(wanted.map(({ ip }) => ip));
    for (const [ip, { node }] of tiles) {
      if (seen.has(ip)) continue;
      node.remove();
      tiles.delete(ip);
    }
    wanted.forEach((machine, index) => {
      let tile = tiles.get(machine.ip);
      if (!tile) {
        tile = new Tile(context, machine);
        tiles.set(machine.ip, tile);
        eye.observe(tile.node);
      } else if (tile.machine !== machine) tile.update(machine);
      if (page.list.children[index] !== tile.node) page.list.insertBefore(tile.node, page.list.children[index] ?? null);
    });
  }

  /** What is done to many is done to a whole group, never to what a search happens to show. */
  let said = '';
  function many(size) {
    const narrowed = chosen.q !== '' || chosen.state !== '';
    const now = `${size} ${chosen.group} ${narrowed}`;
    if (now === said) return;
    said = now;
    const words = chosen.group ? t('many.group', { n: size, group: chosen.group }) : t('many.all', { n: size });
    replace(page.many, size > 1 && fleet.mayControl && (narrowed ? el('p', { class: 'soft' }, t('many.narrowed')) : [el('p', {}, words), el('div', { class: 'tile-buttons' }, switchesOfMany(context, { group: chosen.group, size }))]));
  }

  let due = 0;
  fleet.watch(signal, (kind) => {
    if (!['all', 'device', 'removed', 'stranger'].includes(kind)) return;
    // Many machines report at once; they are drawn once.
    if (!due) due = requestAnimationFrame(() => ((due = 0), signal.aborted || draw()));
  });
  page.more.addEventListener('click', () => {
    chosen.most += SHOWN;
    draw();
  });
  draw();
}

function matches(machine, { q, state }) {
  if (state && stateOf(machine) !== state) return false;
  const words = q.trim().toLowerCase();
  return words === '' || [nameOf(machine), machine.ip, machine.status?.hostname ?? '', ...machine.groups].some((text) => text.toLowerCase().includes(words));
}

function nobody({ mayAdminister }) {
  if (!mayAdminister) return empty(t('list.nobody'), t('list.nobody.ask'));
  return empty(t('list.nobody'), t('list.nobody.do'), el('a', { class: 'button strong', href: address('register') }, t('view.register')));
}

/** Who speaks without being registered, or with another's user: none of it is taken, and somebody should know. */
function strangers({ strangers: all, mayAdminister }) {
  if (all.length === 0) return null;
  const one = ({ ip, reason, user, last_seen: at }) =>
    el('li', {}, el('span', { class: 'strong' }, ip), ' ', t(`stranger.${reason}`), user && [' · ', t('fact.user'), ' ', name(user)], ' · ', moment(at, 'relative'), mayAdminister && reason === 'unregistered' && [' · ', el('a', { href: address('register', { ip }) }, t('register.add'))]);
  return el('details', { class: 'card' }, el('summary', {}, t('strangers', { n: all.length })), el('ul', { class: 'plain answers' }, all.map(one)));
}

function choice(label, value, options, change) {
  const node = el('select', { 'aria-label': label, onchange: () => change(node.value) }, options.map(([id, text]) => el('option', { value: id, selected: id === value }, text)));
  return node;
}

function layout(chosen, draw, mayAdminister) {
  const set = (field) => (value) => {
    chosen[field] = value;
    chosen.most = SHOWN;
    if (field === 'sort') remember('machines.sort', value);
    draw();
  };
  const search = el('input', { type: 'search', 'aria-label': t('list.search'), placeholder: t('list.search'), value: chosen.q, autocomplete: 'off', spellcheck: 'false', oninput: (event) => set('q')(event.target.value) });
  const group = el('div', {});
  const counts = el('div', { class: 'counts', role: 'group', 'aria-label': t('list.state') });
  const sort = choice(t('list.sort'), chosen.sort, Object.keys(ORDERS).map((id) => [id, t(`sort.${id}`)]), set('sort'));
  const page = {
    filters: el('div', { class: 'filters' }, search, group, sort),
    many: el('div', { class: 'many row' }),
    list: el('ul', { class: 'plain tiles' }),
    none: el('div', {}),
    others: el('div', {}),
    more: el('button', { class: 'button more', type: 'button', hidden: true }, t('more')),
  };
  const add = mayAdminister && el('a', { class: 'button', href: address('register') }, t('view.register'));
  page.all = [el('div', { class: 'row' }, el('h1', {}, t('view.machines')), add), counts, page.filters, page.many, page.none, page.list, page.more, page.others];
  let known = null;
  page.groups = (groups) => {
    const text = JSON.stringify([groups, chosen.group]);
    if (text === known) return;
    known = text;
    const options = [['', t('list.all-groups')], ...groups.map((group) => [group.name, `${group.name} (${number(group.size)})`])];
    replace(group, groups.length > 0 && choice(t('list.group'), chosen.group, options, set('group')));
  };
  const buttons = STATES.map((state) => {
    const press = () => set('state')(chosen.state === state ? '' : state);
    const n = el('span', { class: 'count' });
    return { state, n, node: el('button', { class: 'count-button', type: 'button', 'data-state': state, onclick: press }, el('span', { class: 'dot', 'aria-hidden': 'true' }), n, ' ', el('span', {}, t(`state.${state}`))) };
  });
  replace(counts, buttons.map(({ node }) => node));
  page.figures = (machines) => {
    counts.hidden = machines.length === 0;
    for (const { state, n, node } of buttons) {
      replace(n, number(machines.filter((machine) => stateOf(machine) === state).length));
      node.setAttribute('aria-pressed', String(chosen.state === state));
    }
  };
  let spoken = '[]';
  page.strangers = (fleet) => {
    const text = JSON.stringify(fleet.strangers);
    if (text !== spoken) replace(page.others, strangers(fleet));
    spoken = text;
  };
  return page;
}
