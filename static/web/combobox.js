/* The industry search: a combobox whose options come from the server. */

import { fieldOf, idOf, isChanged } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { nextPlace } from "./option-cursor.js";
import { load } from "./requests.js";

const HANDS_REST = 150;
const FOCUS_MOVES = 150;
const SHORTEST_QUERY = 2;

const searches = new WeakMap(); // field -> timer

const listOf = (field) => field.querySelector(".options");
const optionsOf = (field) => [...listOf(field).querySelectorAll("[role=option]")];
const selectedPlace = (options) => options.findIndex((option) => option.getAttribute("aria-selected") === "true");

const searchOf = (element) => {
  const field = fieldOf(element);
  return field?.dataset.widget === "search" ? field : null;
};

async function findOptions(field, control) {
  const query = control.value.trim();
  if (query.length < SHORTEST_QUERY) return close(field, control);
  const parameters = new URLSearchParams({ q: query, for: idOf(field.dataset.path) });
  await load(`${page.dataset.industries}?${parameters}`, listOf(field));
  if (document.activeElement === control) control.setAttribute("aria-expanded", "true");
  else close(field, control);
}

function close(field, control) {
  listOf(field).replaceChildren();
  control.setAttribute("aria-expanded", "false");
  control.removeAttribute("aria-activedescendant");
}

function choose(field, control, option, commitField) {
  field.dataset.searched = control.value.trim();
  control.value = `${option.dataset.value} ${option.lastElementChild.textContent}`;
  control.dataset.value = option.dataset.value;
  close(field, control);
  commitField(field);
}

function leave(field, control, commitField) {
  if (field.contains(document.activeElement)) return;
  close(field, control);
  if (!queue.isTyped(field.dataset.path)) return;
  if (isChanged(control)) commitField(field);
  else queue.stopTyping(field.dataset.path);
}

function moveTo(options, place, control) {
  options.forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
  options[place].scrollIntoView({ block: "nearest" });
  control.setAttribute("aria-activedescendant", options[place].id);
}

function noteKey(event, commitField) {
  const control = event.target;
  const field = control.matches("input") ? searchOf(control) : null;
  const options = field ? optionsOf(field) : [];
  if (!options.length) return;
  const at = selectedPlace(options);
  if (event.key === "ArrowDown" || event.key === "ArrowUp")
    moveTo(options, nextPlace(at, event.key, options.length), control);
  else if (event.key === "Enter" && at >= 0) choose(field, control, options[at], commitField);
  else if (event.key === "Escape" && control.getAttribute("aria-expanded") === "true") close(field, control);
  else return;
  event.preventDefault();
}

/** Start the search; `commitField(field)` saves what is chosen. */
export function startCombobox({ commitField }) {
  page.addEventListener("input", ({ target }) => {
    const field = searchOf(target);
    if (!field) return;
    clearTimeout(searches.get(field));
    searches.set(
      field,
      setTimeout(() => findOptions(field, target), HANDS_REST),
    );
  });
  page.addEventListener("focusout", ({ target }) => {
    const field = target.matches("input") ? searchOf(target) : null;
    if (field) setTimeout(() => leave(field, target, commitField), FOCUS_MOVES);
  });
  page.addEventListener("keydown", (event) => noteKey(event, commitField));
  page.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    const field = fieldOf(option);
    choose(field, field.querySelector("input"), option, commitField);
  });
}
