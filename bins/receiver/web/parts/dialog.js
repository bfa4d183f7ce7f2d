// A question that has to be answered before anything else. The browser's own dialog keeps the focus in, and Escape closes it.

import { el } from './dom.js';

/** Shows `content(close)` in a dialog and gives what it was closed with; `undefined` when it was left. */
export function dialog(label, content, signal) {
  return new Promise((resolve) => {
    const close = (value) => {
      answer = value;
      node.close();
    };
    let answer;
    const node = el('dialog', { class: 'dialog', 'aria-label': label });
    node.append(...[content(close)].flat());
    node.addEventListener('close', () => {
      node.remove();
      resolve(answer);
    });
    // A press on what lies around it leaves it.
    node.addEventListener('pointerdown', (event) => event.target === node && close());
    signal?.addEventListener('abort', () => node.open && close());
    document.body.append(node);
    node.showModal();
  });
}
