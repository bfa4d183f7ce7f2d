// Makes elements. Whatever a radio sent reaches the page here, as text nodes and attributes: never as markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element: `el('p', { class: 'note' }, 'text', child)`. A function under `onclick` and the like becomes a listener. */
export function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...flat(children));
  return node;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

/** Puts `children` in place of what a node holds. */
export function replace(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

/** A person's or a bot's name. Isolated, so that a name written from right to left leaves its neighbours where they are. */
export function name(text, attributes) {
  return el('bdi', { class: 'name', ...attributes }, text === '' ? '—' : text);
}

/**
 * Brings the children of `list` into the order of `items`, and touches only what has changed: focus, selection and the reader's place stay.
 * Gives the nodes that are new.
 */
export function keyed(list, items, key, make) {
  const known = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const fresh = [];
  const nodes = items.map((item, index) => {
    const id = String(key(item, index));
    const text = JSON.stringify(item);
    const old = known.get(id);
    if (old?.content === text) return old;
    const node = make(item, index);
    node.dataset.key = id;
    node.content = text;
    if (!old) fresh.push(node);
    return node;
  });
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  return fresh;
}
