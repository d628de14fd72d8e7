/* Which choices of a list match what was typed, by name and by code. Pure. */

const plain = (text) => text.trim().toLowerCase();

/** Return how well `choice` matches `text`, the best first; -1 if it does not. */
function rankOf({ code, label }, text) {
  const [codeText, labelText] = [plain(code), plain(label)];
  if (codeText === text || labelText === text) return 0;
  if (labelText.startsWith(text)) return 1;
  if (codeText.startsWith(text)) return 2;
  if (labelText.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(text))) return 3;
  return labelText.includes(text) ? 4 : -1;
}

/** Return the `choices` (`{ code, label }`) that match `text`, best first, else in their order. */
export function matching(choices, text) {
  const wanted = plain(text);
  if (!wanted) return choices;
  const ranked = choices.map((choice) => ({ choice, rank: rankOf(choice, wanted) })).filter(({ rank }) => rank >= 0);
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ choice }) => choice);
}

/** Return the one choice that `text` means: its name, its code, or the beginning of no other; null without one. */
export function theOne(choices, text) {
  const wanted = plain(text);
  const found = wanted ? matching(choices, text) : [];
  const isExact = ({ code, label }) => plain(code) === wanted || plain(label) === wanted;
  return found.find(isExact) ?? (found.length === 1 ? found[0] : null);
}

/** Return the code of the choice named `text`; null for no text, and the text itself if no choice has that name. */
export function codeOf(choices, text) {
  if (!plain(text)) return null;
  const isNamed = ({ code, label }) => plain(label) === plain(text) || plain(code) === plain(text);
  return choices.find(isNamed)?.code ?? text;
}

/** Return whether people know a code such as "TX" or "8810"; others are not shown. */
export const isKnownCode = ({ code, label }) => /^(?:[A-Z]{2,3}|\d{2,6})$/.test(code) && plain(code) !== plain(label);
