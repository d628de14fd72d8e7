/* The words for answers that are not saved or wrong. Pure. */

import { say } from "./words.js";

const answers = (count) => (count === 1 ? say("1 answer needs fixing") : say("{count} answers need fixing", { count }));

/** Return the words for `all` answers, of which `unsaved` are not saved and `undecided` wait for a decision. */
export function faultWords({ all, unsaved = 0, undecided = 0 }) {
  if (!all) return "";
  if (undecided === all)
    return all === 1 ? say("Not saved: choose an answer") : say("Not saved: choose {all} answers", { all });
  if (unsaved === all) return say("Not saved: {reason}", { reason: answers(all) });
  return unsaved ? say("{answers}, {unsaved} not saved", { answers: answers(all), unsaved }) : answers(all);
}
