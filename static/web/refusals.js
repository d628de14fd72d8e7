/* What a failed request means: whether it passes by itself, waits for its person, or will never succeed; and the words
   for it, which say what to do. Pure. */

import { say } from "./words.js";

export const Refusal = Object.freeze({
  PASSING: "passing", // the same request may succeed in a moment
  PERSON: "person", // it may succeed after signing in, or with the right to it
  STATE: "state", // it may succeed when somebody has changed the state of the form
  CONTENT: "content", // it never succeeds
});

const PASSING = new Set([0, 408, 409, 425, 429]);
const OF_THE_PERSON = new Set([401, 403, 404, 410]);
const OF_THE_STATE = new Set([409, 412, 423]);

const REASONS = {
  0: say("the connection was lost. Trying again."),
  401: say("you are signed out. Sign in using another tab."),
  403: say("you do not have permission to change this form."),
  404: say("this form no longer exists."),
  409: say("somebody else is saving. Trying again."),
  412: say("this form has changed meanwhile. Copy your text and load the page again."),
  413: say("this is too long. Shorten it."),
  429: say("there were too many changes at once. Trying again."),
};
const OURS = say("the server had a problem. Trying again.");
const NOT_ACCEPTED = say("the server cannot accept this. Change it, or copy your text and load the page again.");

/** Return the kind of a failed response as one of `Refusal`; `isFinal`: a conflict that does not pass by itself. */
export function refusalOf({ status, isFinal = false }) {
  if (status >= 500 || (PASSING.has(status) && !isFinal)) return Refusal.PASSING;
  if (OF_THE_PERSON.has(status)) return Refusal.PERSON;
  return OF_THE_STATE.has(status) ? Refusal.STATE : Refusal.CONTENT;
}

/** Return why a request failed and what to do: the server's own sentence, else one for its status. */
export function reasonFor({ status, problem, isFinal }) {
  if (problem) return problem;
  return REASONS[status] ?? (refusalOf({ status, isFinal }) === Refusal.PASSING ? OURS : NOT_ACCEPTED);
}
