/* The texts of the scripts in the language of the page, which brings them in `data-words`. Pure but for that. */

const known = globalThis.document?.body?.dataset.words;
const words = known ? JSON.parse(known) : {};

/** Return `text` in the language of the page, with `values` for its places such as `{count}`. */
export function say(text, values = {}) {
  return (words[text] ?? text).replaceAll(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}
