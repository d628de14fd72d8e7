/* What was saved on this page, to be undone with Ctrl+Z outside of a text that is being edited, and done again with
   Ctrl+Shift+Z. The server refuses what somebody else has changed since. Each copy has its own stacks. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { fieldOf, isChanged } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { fromTemplate } from "./page-templates.js";

const MOST = 100;
const TEXTS = "input:not([type=radio], [type=checkbox]), textarea, [contenteditable]";

const stacks = new Map(); // copy -> { undo, redo: saves as { before, version }, the latest last }

function stacksOf(copyId) {
  if (!stacks.has(copyId)) stacks.set(copyId, { undo: [], redo: [] });
  return stacks.get(copyId);
}

const here = () => stacksOf(page.dataset.copyId);

function push(stack, save) {
  stack.push(save);
  if (stack.length > MOST) stack.shift();
}

/** Note what this page saved: the save of an undo is what a redo takes back. */
function noteSave({ detail: { undo: save } }) {
  if (!save) return;
  const { undo, redo } = here();
  const { order, redo: isRedo } = queue.orderUnderWay ?? {};
  if (order === "put-back" || (order === "undo" && !isRedo)) return push(redo, save);
  if (!isRedo) redo.length = 0;
  push(undo, save);
}

/** Say in the page that an undo did not happen; its save is no longer offered. */
function noteRefusal({ detail: { text } }) {
  const message = fromTemplate("note", { text });
  document.getElementById("toast").replaceChildren(...message.childNodes);
  announce(text);
}

/** Undo the last save of this page, or what an undo took back (`isRedo`). */
async function goBack({ isRedo = false } = {}) {
  await queue.whenIdle();
  const save = here()[isRedo ? "redo" : "undo"].pop();
  if (!save) return announce(isRedo ? "Nothing to do again." : "Nothing to undo.");
  queue.order({ order: "undo", path: "", before: save.before, version: save.version, ...(isRedo && { redo: 1 }) });
}

/** Return whether the browser's own undo works on `element`: a text that is being edited, or one of another form. */
function isEdited(element) {
  if (!element.matches(TEXTS)) return false;
  const field = fieldOf(element);
  return !field || queue.isTyped(field.dataset.path) || isChanged(element);
}

function noteKey(event) {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
  if (!isUndo || event.defaultPrevented || isEdited(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  event.preventDefault();
  goBack({ isRedo: event.shiftKey });
}

/** Forget the removal of a row that the message about it takes back. */
function notePutBack({ dataset }) {
  const { undo } = here();
  if (String(undo.at(-1)?.before) === dataset.version) undo.pop();
}

export function startUndoStack() {
  page.addEventListener("saved", noteSave);
  document.body.addEventListener("undo-refused", noteRefusal);
  document.addEventListener("keydown", noteKey);
  onClick("[data-undo-save]", () => goBack());
  onClick("[data-redo]", () => goBack({ isRedo: true }));
  onClick("[data-put-back]", notePutBack);
}
