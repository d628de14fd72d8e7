/* The words for answers that are not saved or wrong. Pure. */

const answers = (count) => `${count} ${count === 1 ? "answer needs" : "answers need"} fixing`;

/** Return the words for `all` answers, of which `unsaved` are not saved and `undecided` wait for a decision. */
export function faultWords({ all, unsaved = 0, undecided = 0 }) {
  if (!all) return "";
  if (undecided === all) return `Not saved: choose ${all === 1 ? "an answer" : `${all} answers`}`;
  if (unsaved === all) return `Not saved: ${answers(all)}`;
  return unsaved ? `${answers(all)}, ${unsaved} not saved` : answers(all);
}
