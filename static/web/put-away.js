/* What an answer put out of sight is said at the answer, with a way back. */

import { fieldAt, idOf } from "./field.js";
import { queue } from "./form-queue.js";
import { onClick } from "./clicks.js";
import { fromTemplate } from "./page-templates.js";
import { addAltKey } from "./shortcuts.js";

const IS_SHOWN = 6_000;

let undo = null; // of the sentence that is shown
let timer = 0;

/** Take the sentence off the page, and with it the way back. */
export function clearPutAway() {
  clearTimeout(timer);
  undo = null;
  for (const sentence of document.querySelectorAll(".put-away")) sentence.remove();
}

/** Show for a while that the answer to `path` has put questions away; the answer `before` brings them back. */
export function showPutAway({ path, text, has_undo: hasUndo, before }) {
  clearPutAway();
  undo = hasUndo ? () => queue.commit(path, before) : null;
  // The parts of this response come first.
  requestAnimationFrame(() => draw(path, text, hasUndo));
  timer = setTimeout(clearPutAway, IS_SHOWN);
}

function draw(path, text, hasUndo) {
  const field = fieldAt(path);
  if (!field) return;
  const sentence = fromTemplate("put-away", { text });
  sentence.id = `away-${idOf(path)}`;
  if (!hasUndo) sentence.querySelector("[data-undo-answer]").remove();
  field.append(sentence);
}

/** Bring the questions back; return whether there was something to undo. */
function bringBack() {
  const act = undo;
  clearPutAway();
  act?.();
  return Boolean(act);
}

export function startPutAway() {
  onClick("[data-undo-answer]", bringBack);
  addAltKey("KeyZ", bringBack);
}
