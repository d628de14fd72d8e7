/* What an answer put out of sight is said at the answer, with the way back of its save. */

import { fieldAt, idOf } from "./field.js";
import { page } from "./form-page.js";
import { fromTemplate } from "./page-templates.js";
import { saveOfShown } from "./undo-stack.js";

const IS_SHOWN = 6_000;

let timer = 0;

/** Take the sentence off the page; its save can still be undone by the keys. */
export function clearPutAway() {
  clearTimeout(timer);
  for (const sentence of document.querySelectorAll(".put-away")) sentence.remove();
}

/** Show for a while that the answer to `path`, which was just saved, has put questions away. */
export function showPutAway({ path, text }) {
  clearPutAway();
  const save = saveOfShown();
  // The parts of this response come first.
  requestAnimationFrame(() => draw(path, text, save));
  timer = setTimeout(clearPutAway, IS_SHOWN);
}

function draw(path, text, save) {
  const field = fieldAt(path);
  if (!field) return;
  const sentence = fromTemplate("put-away", { text });
  const button = sentence.querySelector("[data-undo-save]");
  sentence.id = `away-${idOf(path)}`;
  if (save) button.dataset.version = save.before;
  else button.remove();
  field.append(sentence);
}

export function startPutAway() {
  page.addEventListener("undoing", clearPutAway);
}
