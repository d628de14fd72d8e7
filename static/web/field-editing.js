/* The fields under the hands: an answer is committed when its field is left or Enter is pressed, and undone by
   Escape. */

import { startCombobox } from "./combobox.js";
import * as conflicts from "./conflicts.js";
import { fieldOf, isChanged, isMasked, valueOf } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import * as keptTexts from "./kept-texts.js";

const DATE_RESTS = 900; // a date typed part by part is a (wrong) date at every key: wait until the hands rest
const CHOICES = "select, [type=radio], [type=checkbox]";

const restingDates = new Map(); // path -> timer of a date that is still being typed

const isSearch = (field) => field.dataset.widget === "search";
const isOpenSearch = (field) => isSearch(field) && field.querySelector("[aria-expanded=true]");

function stopWaiting(path) {
  clearTimeout(restingDates.get(path));
  restingDates.delete(path);
}

function commitField(field) {
  const { path } = field.dataset;
  stopWaiting(path);
  queue.commit(path, valueOf(field));
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
  if (!field || target.matches(CHOICES)) return;
  queue.startTyping(field.dataset.path);
  delete target.dataset.value;
}

function noteChange({ target: control }) {
  const field = fieldOf(control);
  if (!field) return;
  const { path } = field.dataset;
  if (isMasked(field) && control.value === "") return undo(path);
  if (control.type === "date" && document.activeElement === control) {
    stopWaiting(path);
    restingDates.set(
      path,
      setTimeout(() => commitField(field), DATE_RESTS),
    );
  } else if (!isOpenSearch(field)) {
    commitField(field);
  }
}

function noteLeaving({ target }) {
  const field = fieldOf(target);
  if (!field || isSearch(field)) return;
  const { path } = field.dataset;
  if (restingDates.has(path)) return commitField(field);
  if (queue.isTyped(path) && !isChanged(target)) undo(path);
}

/** Return whether a key commits the text in `control`: Enter, in long text with Ctrl. */
function isCommit({ key, ctrlKey, metaKey }, control) {
  return key === "Enter" && (!control.matches("textarea") || ctrlKey || metaKey);
}

const hasText = (field, control) => (isMasked(field) ? control.value !== "" : isChanged(control));
const hasUndo = ({ dataset: { path } }) => queue.isTyped(path) || queue.isRefused(path);

function noteKey(event) {
  const control = event.target;
  const field = fieldOf(control);
  if (!field || event.defaultPrevented || control.matches(`${CHOICES}, button`)) return;
  if (isCommit(event, control)) {
    event.preventDefault();
    if (hasText(field, control)) commitField(field);
  } else if (event.key === "Escape" && hasUndo(field)) {
    event.preventDefault();
    control.value = control.defaultValue;
    undo(field.dataset.path);
  }
}

export function startFieldEditing() {
  page.addEventListener("input", noteTyping);
  page.addEventListener("change", noteChange);
  page.addEventListener("focusout", noteLeaving);
  // First the open list of a search, which uses the same keys.
  startCombobox({ commitField });
  page.addEventListener("keydown", noteKey);
}
