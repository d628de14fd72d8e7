/* The products of one form beside the worklist: loaded on demand, and they follow the row that has the focus. The list
   does not move. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { fetchPart, oneAfterAnother } from "./fresh-parts.js";

const NOT_LOADED = "The products could not be loaded. Try again.";

const panel = document.getElementById("peek");
const content = document.getElementById("peek-content");

let copy = ""; // the id of the form's row that is shown

const rowOf = (id) => document.querySelector(`.form-row[data-copy="${id}"]`);
const nameOf = (row) => row.querySelector(".name").textContent.trim();

/** Load what belongs to the shown row; a response that comes after another row was chosen is left out. */
const load = oneAfterAnother(async () => {
  const id = copy;
  const row = rowOf(id);
  if (!row) return;
  const text = await fetchPart(row.querySelector("[data-peek]").dataset.peek);
  if (copy !== id) return;
  if (text === null) content.textContent = NOT_LOADED;
  else content.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  content.removeAttribute("aria-busy");
  announce(text === null ? NOT_LOADED : `Products of ${nameOf(row)}: ${content.querySelectorAll("li").length}`);
});

function mark() {
  for (const button of document.querySelectorAll("[data-peek]")) {
    button.setAttribute("aria-expanded", String(button.closest(".form-row").dataset.copy === copy));
  }
}

function show(row) {
  copy = row.dataset.copy;
  document.getElementById("peek-name").textContent = nameOf(row);
  content.replaceChildren();
  content.setAttribute("aria-busy", "true");
  panel.hidden = false;
  mark();
  load();
}

/** Close the panel; return whether it was open. */
export function closePeek() {
  if (panel.hidden) return false;
  const button = rowOf(copy)?.querySelector("[data-peek]");
  if (panel.contains(document.activeElement)) button?.focus();
  panel.hidden = true;
  copy = "";
  mark();
  return true;
}

/** Show the products of the row whose link has the focus, or close them; return whether a row has it. */
function toggleFocused() {
  const row = document.activeElement?.closest(".form-row");
  if (!row || !document.activeElement.matches(".name")) return false;
  if (copy === row.dataset.copy) closePeek();
  else show(row);
  return true;
}

function open(button) {
  const row = button.closest(".form-row");
  if (copy === row.dataset.copy) {
    closePeek();
    return;
  }
  show(row);
  panel.focus();
}

/** Let `addKey` bind the space bar, and follow clicks and the focus. */
export function startPeek(addKey) {
  addKey(" ", toggleFocused);
  onClick("[data-peek]", open);
  onClick("[data-close-peek]", closePeek);
  document.addEventListener("focusin", ({ target }) => {
    const row = target.closest?.(".form-row");
    if (!panel.hidden && row && target.matches(".name") && row.dataset.copy !== copy) show(row);
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!panel.hidden && !rowOf(copy)) closePeek();
    else mark();
  });
}
