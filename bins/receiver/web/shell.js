// The frame of every page: navigation, language, key, and the view that the address names.

import { Api } from './parts/api.js';
import { el, replace } from './parts/dom.js';
import { toast, trouble } from './parts/feedback.js';
import { LANGUAGES, language, learn, speak, t } from './parts/i18n.js';
import { keepTime } from './parts/time.js';
import { SECTIONS } from './sections.js';
import { WORDS } from './words.js';

learn(WORDS);

/** What the address says: `#/board?net=monday` is the view `board` with these parameters. */
export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { view: path, params: new URLSearchParams(query) };
}

/** The address of a view; parameters without a value are left out. */
export function address(view, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given).toString();
  return `#/${view}${query ? `?${query}` : ''}`;
}

/**
 * Runs a section. `views`: `{ id, show(context), hidden }` in the order of the navigation; `show` fills `context.root`, and `context.signal`
 * ends what it began. `prepare(api, signal)` gives what all views of the section need; `head(context)` the line above them; `key` is the
 * name under which the reader's key is remembered.
 */
export function run({ section, views, words, prepare, head, key }) {
  learn(words);
  const api = new Api(key);
  let ending = new AbortController();

  async function draw({ focus = false } = {}) {
    ending.abort();
    ending = new AbortController();
    const { signal } = ending;
    const { view: id, params } = place();
    const view = views.find((view) => view.id === id) ?? views[0];
    document.documentElement.lang = language();
    document.title = `${t(`view.${view.id}`)} · ${t(`section.${section}`)}`;
    const top = el('div', { class: 'section-head' });
    const root = el('div', { class: 'view', 'data-view': view.id });
    const main = el('main', { id: 'content', tabindex: -1 }, top, root);
    replace(document.getElementById('app'), skip(), banner(section, api, draw), tabs(views, view, params), main);
    keepTime(document.body, signal);
    if (focus) main.focus({ preventScroll: true });
    try {
      const shared = await prepare(api, signal);
      if (signal.aborted) return;
      const context = { api, root, params, signal, shared, view: view.id, failed };
      replace(top, head(context));
      await view.show(context);
    } catch (error) {
      failed(error);
    }

    function failed(error) {
      if (signal.aborted) return;
      if (error.status === 401) replace(root, keyForm(api, draw, error.kind === 'wrong-key'));
      else replace(root, trouble(error, () => draw()));
      if (!error.kind) console.error(error);
    }
  }

  window.addEventListener('hashchange', () => draw({ focus: true }));
  draw();
}

function skip() {
  const jump = (event) => {
    event.preventDefault();
    document.getElementById('content').focus();
  };
  return el('a', { class: 'skip', href: '#content', onclick: jump }, t('nav.skip'));
}

function banner(section, api, draw) {
  const links = SECTIONS.map(({ id, href }) => el('a', { href, 'aria-current': id === section && 'page' }, t(`section.${id}`)));
  return el(
    'header',
    { class: 'banner' },
    el('nav', { class: 'sections', 'aria-label': t('nav.sections') }, links),
    el('div', { class: 'banner-tools' }, api.hasKey && forget(api, draw), languages(draw)),
  );
}

function forget(api, draw) {
  const drop = () => {
    api.setKey(null);
    toast(t('key.forgotten'));
    draw();
  };
  return el('button', { class: 'quiet', type: 'button', onclick: drop }, t('key.forget'));
}

function languages(draw) {
  const choose = (tag) => () => {
    speak(tag);
    draw();
  };
  const buttons = Object.entries(LANGUAGES).map(([tag, text]) =>
    el('button', { type: 'button', lang: tag, title: text, 'aria-label': text, 'aria-pressed': String(tag === language()), onclick: choose(tag) }, tag.toUpperCase()),
  );
  return el('div', { class: 'switch', role: 'group', 'aria-label': t('language') }, buttons);
}

/** Changing the view keeps the net that is looked at. */
function tabs(views, current, params) {
  const kept = { net: params.get('net') };
  const links = views
    .filter((view) => !view.hidden)
    .map(({ id }) => el('a', { href: address(id, kept), 'aria-current': (id === current.id || id === current.under) && 'page' }, t(`view.${id}`)));
  const nav = el('nav', { class: 'tabs', 'aria-label': t('nav.views') }, links);
  // On a phone the row scrolls; the view in use is in sight.
  requestAnimationFrame(() => {
    const here = nav.querySelector('[aria-current]');
    if (here) nav.scrollTo({ left: here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2 });
  });
  return nav;
}

function keyForm(api, draw, wrong) {
  const input = el('input', { id: 'key', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'key-why', 'aria-invalid': wrong && 'true' });
  const keep = el('input', { id: 'keep', type: 'checkbox' });
  const use = (event) => {
    event.preventDefault();
    api.setKey(input.value.trim(), keep.checked);
    draw();
  };
  return el(
    'form',
    { class: 'card key-form', onsubmit: use },
    el('h1', {}, t('key.title')),
    el('p', { id: 'key-why', class: wrong ? 'bad' : 'soft', role: wrong && 'alert' }, t(wrong ? 'key.wrong' : 'key.why')),
    el('label', { for: 'key' }, t('key.label')),
    input,
    el('label', { class: 'check', for: 'keep' }, keep, t('key.keep')),
    el('button', { class: 'button strong', type: 'submit' }, t('key.use')),
  );
}
