/* How the page shows what is saved: a word at each field, and one for the whole form in the head and in the bar that
   stays on narrow screens. */

import { announce } from "./announcer.js";
import * as faults from "./faults.js";
import { controlsOf, fieldAt } from "./field.js";
import { page } from "./form-page.js";
import { fromTemplate } from "./page-templates.js";
import { reasonFor } from "./refusals.js";
import { say } from "./words.js";

const WORDS = {
  saving: say("Saving…"),
  saved: say("Saved"),
  failed: say("Not saved"),
  wrong: say("Needs fixing"),
};
const SAVED_IS_SHOWN = 2_500;

const notesBefore = new Map(); // path -> the nodes that a reason for refusal took the place of
const reasons = new Map(); // path -> why its answer was refused
const timers = new Map(); // path -> timer of the word at its field

/** Show whether the field at `path` is `saving`, `saved`, `wrong` or `failed`; "" shows nothing. */
export function showField(path, state) {
  clearTimeout(timers.get(path));
  timers.delete(path);
  const field = fieldAt(path);
  if (!field) return;
  write(field, state);
  if (state !== "saved") return;
  timers.set(
    path,
    setTimeout(() => showField(path, ""), SAVED_IS_SHOWN),
  );
}

function write(field, state) {
  if (state) field.dataset.save = state;
  else delete field.dataset.save;
  const sign = field.querySelector(".field-state");
  if (sign) sign.textContent = WORDS[state] ?? "";
}

/** Call a saved answer wrong where the parts that came with it say so. */
function judgeSaved() {
  for (const field of document.querySelectorAll(".field[data-save=saved], .field[data-save=wrong]")) {
    const state = field.matches(".error") ? "wrong" : "saved";
    if (field.dataset.save !== state) write(field, state);
  }
}

/** Show below the field at `path` why its answer was refused. */
export function showRefusal(path, reason) {
  const field = fieldAt(path);
  const notes = field.querySelector(".notes");
  reasons.set(path, reason);
  if (!notesBefore.has(path)) notesBefore.set(path, [...notes.childNodes]);
  notes.replaceChildren(fromTemplate("refusal", { reason }));
  for (const control of controlsOf(field)) control.setAttribute("aria-invalid", "true");
}

/** Show again what was below the field at `path` before its answer was refused. */
export function clearRefusal(path) {
  const field = fieldAt(path);
  reasons.delete(path);
  if (field && notesBefore.has(path)) {
    field.querySelector(".notes").replaceChildren(...notesBefore.get(path));
    for (const control of field.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  }
  notesBefore.delete(path);
}

const reasonOf = ({ path, isUndecided }) =>
  isUndecided ? say("choose an answer") : (reasons.get(path) ?? say("not saved"));

/** Show the answers that are not saved in the list of what needs fixing. */
export function showUnsaved(unsaved) {
  faults.showUnsaved(unsaved.map((fault) => ({ ...fault, reason: reasonOf(fault) })));
}

/** Show the state of the whole form: saving, or what needs fixing. */
export function showSummary({ state }) {
  const words = faults.words();
  if (state === "saving") show(state, WORDS.saving);
  else if (words) showFaults(words);
  else show("saved", WORDS.saved);
}

/** Show how many answers need fixing; in the head as a button that leads to the first. */
function showFaults(text) {
  show("failed", text);
  document.getElementById("saved").replaceChildren(fromTemplate("go-to-fault", { text }));
}

/** Show that the server never takes the answer at `path`, and what to do; return whether the page has its field. */
export function showRefused(path, response) {
  const reason = reasonFor(response);
  if (!fieldAt(path)) return false;
  showRefusal(path, reason);
  page.dispatchEvent(new CustomEvent("answer-refused", { detail: { path } }));
  announce(say("Not saved: {reason}", { reason }));
  return true;
}

/** Show why nothing could be saved, with a button that calls `retry`. */
export function showFailure(response, retry) {
  const reason = reasonFor(response);
  show("failed", `${say("Not saved: {reason}", { reason })} `);
  const button = fromTemplate("retry");
  button.addEventListener("click", retry);
  document.getElementById("saved").append(button);
  announce(say("Not saved: {reason}", { reason }));
}

/** Write the words for the whole form. The places are looked up by id: a form can have ten thousand elements. */
function show(state, text) {
  for (const place of ["saved", "saved-in-bar"].map((id) => document.getElementById(id)).filter(Boolean)) {
    place.dataset.state = state;
    place.textContent = text;
  }
}

export function startSaveStatus() {
  showSummary({ state: "saved" });
  document.body.addEventListener("htmx:afterRequest", () => {
    judgeSaved();
    faults.draw();
  });
}
