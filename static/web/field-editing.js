/* The fields under the hands: an answer is committed when its field is left or Enter is pressed, and undone by Escape,
   which leaves a field without unsaved text.
   A choice that is moved by keys is committed when they rest: the choices on the way are no answers. */

import { announce } from "./announcer.js";
import { startCombobox } from "./combobox.js";
import * as conflicts from "./conflicts.js";
import { fieldOf, isChanged, isMasked, valueOf } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import * as keptTexts from "./kept-texts.js";
import { showRefusal } from "./save-status.js";
import { say } from "./words.js";

const KEYS_REST = 400;
const CHOICES = "select, [type=radio], [type=checkbox]";
const MOVED_BY_KEYS = "select, [type=radio]";
const MOVES = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

const resting = new Map(); // path -> timer of a choice that the keys may still move
let movedField = null; // the field whose choice the last key moved

const isCombobox = (field) => ["search", "combobox"].includes(field.dataset.widget);

function stopWaiting(path) {
  clearTimeout(resting.get(path));
  resting.delete(path);
}

/** Keep what is in `field` unsaved, for a `reason` that the page knows without the server. */
function refuseField(field, reason) {
  const { path } = field.dataset;
  stopWaiting(path);
  showRefusal(path, reason);
  queue.refuse(path);
  announce(say("Not saved: {reason}", { reason }));
}

function commitField(field) {
  const { path } = field.dataset;
  stopWaiting(path);
  queue.commit(path, valueOf(field));
}

/** Commit what is typed or chosen in `field` and not committed yet, as leaving it would. */
export function commitTyped(field) {
  const { path } = field.dataset;
  const control = field.querySelector("input, textarea");
  if (resting.has(path)) return commitField(field);
  if (isCombobox(field) || !control || control.matches(CHOICES)) return;
  if (queue.isTyped(path) && hasText(field, control)) commitField(field);
}

/** Forget an unsaved text at `path`: the field shows the saved one again. */
function undo(path) {
  stopWaiting(path);
  queue.stopTyping(path);
  conflicts.take(path);
  keptTexts.discard(path);
  queue.forgive(path);
}

function noteTyping({ target }) {
  const field = fieldOf(target);
  if (!field || target.matches(`${CHOICES}, [data-picker]`)) return;
  queue.startTyping(field.dataset.path);
  delete target.dataset.value;
}

function letKeysRest(field) {
  const { path } = field.dataset;
  stopWaiting(path);
  queue.startTyping(path);
  resting.set(
    path,
    setTimeout(() => commitField(field), KEYS_REST),
  );
}

/** Return the ISO date `text` as people type it. */
function asTyped(text) {
  const [year, month, day] = text.split("-").map(Number);
  return `${month}/${day}/${year}`;
}

/** Take the day that was picked in the calendar of `field`. */
function takePicked(field, picker) {
  if (!picker.value) return;
  const control = field.querySelector("input");
  control.value = asTyped(picker.value);
  queue.startTyping(field.dataset.path);
  commitField(field);
  control.focus({ preventScroll: true });
}

function noteChange({ target: control }) {
  const field = fieldOf(control);
  if (!field || isCombobox(field)) return;
  const { path } = field.dataset;
  if (control.matches("[data-picker]")) return takePicked(field, control);
  if (isMasked(field) && control.value === "") return undo(path);
  if (control.matches(MOVED_BY_KEYS) && movedField === field) return letKeysRest(field);
  // A text that was committed by Enter is not committed again when its field is left.
  if (control.matches(CHOICES) || queue.isTyped(path)) commitField(field);
}

function noteLeaving({ target, relatedTarget }) {
  const field = fieldOf(target);
  if (!field || isCombobox(field) || (relatedTarget && field.contains(relatedTarget))) return;
  const { path } = field.dataset;
  if (resting.has(path)) return commitField(field);
  if (!target.matches(CHOICES) && queue.isTyped(path) && !isChanged(target)) undo(path);
}

/** Return whether a key commits the text in `control`: Enter, in long text with Ctrl. */
function isCommit({ key, ctrlKey, metaKey }, control) {
  return key === "Enter" && (!control.matches("textarea") || ctrlKey || metaKey);
}

const hasText = (field, control) => (isMasked(field) ? control.value !== "" : isChanged(control));
const hasUndo = ({ dataset: { path } }) => queue.isTyped(path) || queue.isRefused(path);

/** Note whether a key moves a choice: an arrow key, in a list also a letter. */
function noteMove({ key, target }, field) {
  const isMove = MOVES.has(key) || (target.matches("select") && key.length === 1);
  movedField = isMove && target.matches(MOVED_BY_KEYS) ? field : null;
}

function noteKey(event) {
  const control = event.target;
  const field = fieldOf(control);
  if (!field || event.defaultPrevented) return;
  noteMove(event, field);
  if (event.key === "Enter" && resting.has(field.dataset.path)) return commitField(field);
  if (event.key === "Escape" && control.matches(CHOICES)) return control.blur();
  if (!control.matches(`${CHOICES}, button`) && pressInText(event, field)) event.preventDefault();
}

/** Do what a key does in a field with text; return whether it does anything. */
function pressInText(event, field) {
  const control = event.target;
  if (isCommit(event, control)) {
    if (hasText(field, control) && !isCombobox(field)) commitField(field);
    return true;
  }
  if (event.key === "Escape" && hasUndo(field)) {
    control.value = control.defaultValue;
    undo(field.dataset.path);
    return true;
  }
  if (event.key === "Escape") {
    control.blur();
    return true;
  }
  const isCalendarKey = field.dataset.widget === "date" && event.key === "ArrowDown" && event.altKey;
  if (isCalendarKey) openCalendar(field);
  return isCalendarKey;
}

function openCalendar(field) {
  const picker = field.querySelector("[data-picker]");
  picker?.showPicker();
}

export function startFieldEditing() {
  page.addEventListener("input", noteTyping);
  page.addEventListener("change", noteChange);
  page.addEventListener("focusout", noteLeaving);
  page.addEventListener("pointerdown", () => {
    movedField = null;
  });
  page.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-calendar]");
    if (button) openCalendar(fieldOf(button));
  });
  // First the open list of a combobox, which uses the same keys.
  startCombobox({ commitField, refuseField, undo });
  page.addEventListener("keydown", noteKey);
}
