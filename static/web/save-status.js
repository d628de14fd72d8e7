/* How the page shows what is saved: a word at each field, and one for the whole form in the head and in the bar that
   stays on narrow screens. */

import { announce } from "./announcer.js";
import { controlsOf, fieldAt } from "./field.js";
import { fromTemplate } from "./page-templates.js";

const WORDS = { saving: "Saving…", saved: "Saved", failed: "Not saved" };
const SAVED_IS_SHOWN = 2_500;
const REASONS = {
  0: "the connection was lost. Trying again.",
  401: "you are signed out. Sign in using another tab.",
  403: "you do not have permission to change this form.",
  404: "this form no longer exists.",
  409: "somebody else is saving. Trying again.",
};

const notesBefore = new Map(); // path -> the nodes that a reason for refusal took the place of

/** Show whether the field at `path` is `saving`, `saved` or `failed`; "" shows nothing. */
export function showField(path, state) {
  const field = fieldAt(path);
  if (!field) return;
  if (state) field.dataset.save = state;
  else delete field.dataset.save;
  const sign = field.querySelector(".field-state");
  if (sign) sign.textContent = WORDS[state] ?? "";
  if (state !== "saved") return;
  setTimeout(() => {
    if (field.dataset.save === "saved") showField(path, "");
  }, SAVED_IS_SHOWN);
}

/** Show below the field at `path` why its answer was refused. */
export function showRefusal(path, reason) {
  const field = fieldAt(path);
  const notes = field.querySelector(".notes");
  if (!notesBefore.has(path)) notesBefore.set(path, [...notes.childNodes]);
  notes.replaceChildren(fromTemplate("refusal", { reason }));
  for (const control of controlsOf(field)) control.setAttribute("aria-invalid", "true");
}

/** Show again what was below the field at `path` before its answer was refused. */
export function clearRefusal(path) {
  const field = fieldAt(path);
  if (field && notesBefore.has(path)) {
    field.querySelector(".notes").replaceChildren(...notesBefore.get(path));
    for (const control of field.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  }
  notesBefore.delete(path);
}

/** Show `{ state, count }` of the whole form. */
export function showSummary({ state, count }) {
  if (state === "undecided") show("failed", `Not saved: choose ${count === 1 ? "an answer" : `${count} answers`}`);
  else if (state === "refused")
    show("failed", `Not saved: ${count} ${count === 1 ? "answer needs" : "answers need"} fixing`);
  else show(state, WORDS[state]);
}

/** Show why nothing could be saved, with a button that calls `retry`. */
export function showFailure({ status, problem }, retry) {
  const reason = problem || (REASONS[status] ?? "the server had a problem. Trying again.");
  show("failed", `Not saved: ${reason} `);
  const button = fromTemplate("retry");
  button.addEventListener("click", retry);
  document.getElementById("saved").append(button);
  announce(`Not saved: ${reason}`);
}

function show(state, text) {
  for (const place of document.querySelectorAll("[data-saved]")) {
    place.dataset.state = state;
    place.textContent = text;
  }
}
