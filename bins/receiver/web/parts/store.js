// Remembers small choices of this reader. A browser that keeps nothing is no reason to fail.

function storage(kind) {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

export function recall(name, kind = 'localStorage') {
  try {
    return storage(kind)?.getItem(`console.${name}`) ?? null;
  } catch {
    return null;
  }
}

export function remember(name, value, kind = 'localStorage') {
  try {
    if (value === null) storage(kind)?.removeItem(`console.${name}`);
    else storage(kind)?.setItem(`console.${name}`, value);
  } catch {
    // Kept until the page is left.
  }
}
