/* The keys of rows: the buttons in the head of a row are one stop of the Tab key, with the arrow keys between them, and
   Alt+A adds a row to the pool around the focus. */

import { announce } from "./announcer.js";
import { page } from "./form-page.js";
import { addAltKey } from "./shortcuts.js";
import { say } from "./words.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const buttonsOf = (head) => [...head.querySelectorAll("button:enabled")];

/** Make `button` the stop of the Tab key in its `head`. */
function setStop(head, button) {
  for (const other of head.querySelectorAll("button")) other.tabIndex = other === button ? 0 : -1;
}

/** Give `head` a stop if the button that was it cannot be pressed any more. */
export function keepStop(head) {
  const buttons = buttonsOf(head);
  if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) setStop(head, buttons[0]);
}

/** Return the button that `key` leads to from `button`, null for other keys. */
function nextOf(buttons, button, key) {
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  if (!(key in STEPS)) return null;
  return buttons[(buttons.indexOf(button) + STEPS[key] + buttons.length) % buttons.length];
}

function noteKey(event) {
  const head = event.target.closest(".row-head");
  if (!head || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const next = nextOf(buttonsOf(head), event.target, event.key);
  if (!next) return;
  event.preventDefault();
  setStop(head, next);
  next.focus();
}

/** A button that was focused by other means is the stop from then on. */
function noteFocus({ target }) {
  const head = target.closest(".row-head");
  if (head && target.matches("button")) setStop(head, target);
}

function addRow() {
  const around = document.activeElement.closest(".pool, .set");
  const button = around?.querySelector(":scope > .pool-foot [data-add]:enabled");
  if (button) button.click();
  else announce(say("No row can be added here."));
  return true;
}

export function startRowKeys() {
  page.addEventListener("keydown", noteKey);
  page.addEventListener("focusin", noteFocus);
  addAltKey("KeyA", addRow);
}
