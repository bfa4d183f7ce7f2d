// A button that copies a text.

import { el } from './dom.js';
import { toast } from './feedback.js';
import { t } from './i18n.js';

/** `source` is the element whose text is copied; where the browser forbids copying, its text is selected instead. `what` is for those who do not see it. */
export function copyButton(source, what) {
  async function copy() {
    try {
      await navigator.clipboard.writeText(source.textContent);
      toast(t('copied'));
    } catch {
      getSelection().selectAllChildren(source);
      toast(t('selected'));
    }
  }
  return el('button', { class: 'button', type: 'button', onclick: copy, 'aria-label': what && `${t('copy')}: ${what}` }, t('copy'));
}
