/* The search in the top bar: forms, questions of the open form, and actions, in one list that the keys go through. */

import { announce } from "./announcer.js";
import { nextPlace } from "./option-cursor.js";
import { loadOptions } from "./requests.js";

const PAUSE_MS = 150;
const FOCUS_MOVES = 150;
const ARROWS = new Set(["ArrowDown", "ArrowUp"]);

const field = document.querySelector("[data-palette]");
const list = document.getElementById("palette");

let timer = 0;
let asked = null; // the words of the list that is shown or on its way
let shown = null; // the words of the list that is shown
let loading = null; // the list that is on its way

const options = () => [...list.querySelectorAll("[role=option]")];
const highlighted = () => options().find((option) => option.getAttribute("aria-selected") === "true");

function highlight(place) {
  const found = options();
  found.forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
  found[place]?.scrollIntoView({ block: "nearest" });
  if (found[place]) field.setAttribute("aria-activedescendant", found[place].id);
  else field.removeAttribute("aria-activedescendant");
}

function close() {
  clearTimeout(timer);
  asked = shown = null;
  list.replaceChildren();
  list.hidden = true;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

/** Load what the words in the field find, once; resolve when it is there. */
function open() {
  clearTimeout(timer);
  const words = field.value.trim();
  if (asked !== words) loading = load(words);
  return loading;
}

async function load(words) {
  asked = words;
  const copyId = document.querySelector("[data-copy-id]")?.dataset.copyId ?? "";
  const address = `${field.dataset.palette}?${new URLSearchParams({ q: words, copy: copyId })}`;
  const isWanted = () => asked === words && document.activeElement === field;
  if (!(await loadOptions(address, list, isWanted))) {
    if (asked === words) asked = null;
    return;
  }
  shown = words;
  list.hidden = false;
  field.setAttribute("aria-expanded", String(options().length > 0));
  if (!options().length) announce("Nothing found.");
  highlight(words ? 0 : -1);
}

/** Return whether the list shows what the words in the field find. */
const isCurrent = () => shown === field.value.trim() && !list.hidden;

/** Follow what is highlighted; of words that were just typed the first hit. Without a hit the words are searched. */
async function follow() {
  if (!isCurrent()) await open();
  const hit = isCurrent() && highlighted();
  if (hit) hit.click();
  else if (document.activeElement === field) field.form?.requestSubmit();
}

function press(event) {
  const { key } = event;
  if (ARROWS.has(key)) {
    const found = options();
    if (found.length) highlight(nextPlace(found.indexOf(highlighted()), key, found.length));
    else open();
  } else if (key === "Enter" && !event.isComposing) follow();
  else if (key === "Escape") {
    if (list.hidden) field.blur();
    else close();
  } else return;
  event.preventDefault();
}

export function startPalette() {
  if (!field) return;
  field.addEventListener("focus", open);
  field.addEventListener("keydown", press);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(open, PAUSE_MS);
  });
  field.addEventListener("focusout", () => {
    setTimeout(() => {
      if (!field.parentElement.contains(document.activeElement)) close();
    }, FOCUS_MOVES);
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => {
    if (!target.closest("[role=option]")) return;
    // A question of this page gets the focus by its own link.
    setTimeout(() => {
      field.value = "";
      close();
    });
  });
}
