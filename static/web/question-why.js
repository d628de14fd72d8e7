/* Why a question is asked and who needs its answer: one menu for all questions, loaded when it opens. Its button is at
   the question that has the pointer or the focus; it takes no room and is no stop of the Tab key. */

import { fieldOf, nameOf } from "./field.js";
import { page } from "./form-page.js";
import { fromTemplate } from "./page-templates.js";
import { load } from "./requests.js";
import { addAltKey } from "./shortcuts.js";

const MARGIN = 8;

const menu = document.getElementById("question-why");

let button = null; // made once

const isOpen = () => menu.matches(":popover-open");
const fieldAround = (element) => (element instanceof Element ? fieldOf(element) : null);

/** Put the button at `field`, unless the menu of another question is open. */
function showButton(field) {
  if (!field || isOpen()) return;
  button ??= fromTemplate("question-why");
  if (button.parentElement === field) return;
  button.setAttribute("aria-label", `Why and for whom: ${nameOf(field)}`);
  field.append(button);
}

/** Move the menu up where it would end below the window. */
function keepInside() {
  const highest = document.documentElement.clientHeight - menu.offsetHeight - MARGIN;
  menu.style.top = `${Math.max(MARGIN, Math.min(menu.offsetTop, highest))}px`;
}

/** Load the menu of the question at the button, and give it the focus. */
async function fill() {
  const { path } = fieldOf(button).dataset;
  menu.replaceChildren();
  await load(`${page.dataset.questionWhy}?${new URLSearchParams({ path })}`, menu);
  if (!isOpen()) return;
  keepInside();
  menu.focus({ preventScroll: true });
}

/** Open the menu of the question in focus; return whether there is one. */
function openHere() {
  const field = fieldAround(document.activeElement);
  if (!field || isOpen()) return false;
  showButton(field);
  button.click();
  return true;
}

/** Let the button be where the pointer is, else where the focus is. */
const follow = ({ target }) => showButton(fieldAround(target) ?? fieldAround(document.activeElement));

export function startQuestionWhy() {
  page.addEventListener("pointerover", follow);
  page.addEventListener("focusin", follow);
  // What is being typed keeps the focus until the menu is there.
  page.addEventListener("mousedown", (event) => {
    if (event.target === button) event.preventDefault();
  });
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState === "open") fill();
  });
  addAltKey("KeyW", openHere);
}
