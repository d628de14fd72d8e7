/* The one way back for what was saved on this page: Ctrl+Z outside of a text that is being edited, Alt+Z everywhere,
   and each button that offers to undo a save. Ctrl+Shift+Z and Ctrl+Y do it again. The server refuses what somebody
   else has changed since. Each copy has its own history. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { fieldOf, isChanged } from "./field.js";
import { page, shownVersion } from "./form-page.js";
import { queue } from "./form-queue.js";
import { fromTemplate } from "./page-templates.js";
import { addAltKey } from "./shortcuts.js";
import { UndoHistory } from "./undo-history.js";

const TEXTS = "input:not([type=radio], [type=checkbox]), textarea, [contenteditable]";

const histories = new Map(); // copy -> UndoHistory

function here() {
  const { copyId } = page.dataset;
  if (!histories.has(copyId)) histories.set(copyId, new UndoHistory());
  return histories.get(copyId);
}

/** Return the save that made the shown version, as `{ before, version }`; undefined if this page did not make it. */
export function saveOfShown() {
  const { latest } = here();
  return latest?.version === shownVersion() ? latest : undefined;
}

function noteSave({ detail: { undo: save } }) {
  if (!save) return;
  const { order, redo } = queue.orderUnderWay ?? {};
  here().note(save, { isUndo: order === "undo" && !redo, isRedo: order === "undo" && Boolean(redo) });
}

/** Say in the page that an undo did not happen; its save is no longer offered. */
function noteRefusal({ detail: { text } }) {
  const message = fromTemplate("note", { text });
  document.getElementById("toast").replaceChildren(...message.childNodes);
  announce(text);
}

/** Send the order to take `save` back. */
function takeBack(save, { isRedo }) {
  const { before, version } = save;
  queue.order({ order: "undo", path: "", before, version, ...(isRedo && { redo: 1 }) });
}

/**
 * Undo the last save of this page, or the one that followed the version `before`; with `isRedo`, do again what an
 * undo took back.
 */
async function goBack({ isRedo = false, before } = {}) {
  const history = here();
  page.dispatchEvent(new CustomEvent("undoing"));
  await queue.whenIdle();
  // Another copy is shown by now: its saves are not meant.
  if (history !== here()) return;
  const save = isRedo ? history.takeRedo() : history.takeUndo(before);
  if (save) takeBack(save, { isRedo });
  else announce(isRedo ? "Nothing to do again." : "Nothing to undo.");
}

/** Return whether the browser's own undo works on `element`: a text that is being edited, or one of another form. */
function isEdited(element) {
  if (!element.matches(TEXTS)) return false;
  const field = fieldOf(element);
  return !field || queue.isTyped(field.dataset.path) || isChanged(element);
}

/** Return what a key orders: "undo", "redo", or "" for other keys. */
function orderOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const letter = key.toLowerCase();
  if (altKey || !(ctrlKey || metaKey)) return "";
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" && ctrlKey ? "redo" : "";
}

function noteKey(event) {
  const order = orderOf(event);
  if (!order || event.defaultPrevented || isEdited(event.target) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  goBack({ isRedo: order === "redo" });
}

/** Return the version before the save that `button` undoes, undefined for the last save. */
const beforeOf = ({ dataset: { version } }) => (version ? Number(version) : undefined);

export function startUndoStack() {
  page.addEventListener("saved", noteSave);
  document.body.addEventListener("undo-refused", noteRefusal);
  document.addEventListener("keydown", noteKey);
  addAltKey("KeyZ", () => {
    goBack();
    return true;
  });
  onClick("[data-undo-save], [data-put-back]", (button) => goBack({ before: beforeOf(button) }));
  onClick("[data-redo]", () => goBack({ isRedo: true }));
}
