/* The Tab key at an answer that makes other questions appear: it waits a moment for them, so that the next stop can be
   one of them. Any other key goes on at once. */

import { commitTyped } from "./field-editing.js";
import { fieldAt, fieldOf } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { stopAfter } from "./stops.js";

const LONGEST_HOLD = 200;
const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta"]);

let held = null; // { from: the control, path, timer }

/** Go where the key leads, unless the focus has moved otherwise. */
function goOn() {
  if (!held) return;
  const { from, path, timer } = held;
  held = null;
  clearTimeout(timer);
  const focused = document.activeElement;
  if (focused !== from && focused !== document.body) return;
  const place = from.isConnected ? from : fieldAt(path);
  if (place) stopAfter(place)?.focus();
}

async function hold(from, path) {
  const holding = (held = { from, path, timer: setTimeout(goOn, LONGEST_HOLD) });
  await queue.whenTaken(path);
  if (held === holding) goOn();
}

function isPlainTab(event) {
  const isModified = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
  return event.key === "Tab" && !isModified && !event.defaultPrevented;
}

function noteKey(event) {
  if (held) {
    // What is typed now belongs to the next field.
    if (!MODIFIERS.has(event.key)) goOn();
    return;
  }
  const field = isPlainTab(event) ? fieldOf(event.target) : null;
  if (!field?.hasAttribute("data-opens") || !event.target.matches("input, select, textarea")) return;
  commitTyped(field);
  if (!queue.isUnderWay(field.dataset.path)) return;
  event.preventDefault();
  hold(event.target, field.dataset.path);
}

export function startTabHold() {
  page.addEventListener("keydown", noteKey);
}
