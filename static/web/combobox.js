/* Fields with a list to search in: the choices of a question by name or code, and industries, which the server finds.
   The keys move only the highlight; Enter takes it. Tab takes it too, of industries only one that was moved to or is
   the only one. */

import { choicesOf, fieldOf, idOf, isChanged } from "./field.js";
import { isKnownCode, matching, theOne } from "./choice-search.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { nextPlace } from "./option-cursor.js";
import { fromTemplate } from "./page-templates.js";
import { loadOptions } from "./requests.js";
import { say } from "./words.js";

const PAUSE_MS = 150;
const FOCUS_MOVES = 150;
const SHORTEST_QUERY = 2;
const ARROWS = new Set(["ArrowDown", "ArrowUp"]);
const INDUSTRY_CODE = /^\d{2,6}(?:\s|$)/;
const REASONS = { search: say("Choose an industry from the list."), combobox: say("Choose one from the list.") };

const hooks = {}; // what becomes of a choice, set by startCombobox
const searches = new WeakMap(); // field -> { timer, query, found: a promise } of the industries that are looked for
const moved = new WeakSet(); // fields whose highlight was moved by keys

const listOf = (field) => field.querySelector(".options");
const optionsOf = (field) => [...listOf(field).querySelectorAll("[role=option]")];
const highlighted = (field) => optionsOf(field).find((option) => option.getAttribute("aria-selected") === "true");
const isOpen = (control) => control.getAttribute("aria-expanded") === "true";
const isSearch = (field) => field.dataset.widget === "search";

const comboboxOf = (element) => {
  const field = fieldOf(element);
  return ["search", "combobox"].includes(field?.dataset.widget) ? field : null;
};

function close(field, control) {
  listOf(field).replaceChildren();
  moved.delete(field);
  control.setAttribute("aria-expanded", "false");
  control.removeAttribute("aria-activedescendant");
}

function highlight(field, control, place) {
  const options = optionsOf(field);
  options.forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
  options[place]?.scrollIntoView({ block: "nearest" });
  if (options[place]) control.setAttribute("aria-activedescendant", options[place].id);
  else control.removeAttribute("aria-activedescendant");
}

function drawOption(choice, number, field) {
  const option = fromTemplate("option", { code: isKnownCode(choice) ? choice.code : "", label: choice.label });
  option.id = `${listOf(field).id}-${number}`;
  option.dataset.value = choice.code;
  return option;
}

/** Open the list of choices that match `text`, with the first one highlighted, or the chosen one of the whole list. */
function showChoices(field, control, text) {
  const found = matching(choicesOf(field), text);
  const options = found.map((choice, number) => drawOption(choice, number, field));
  listOf(field).replaceChildren(...(options.length ? options : [fromTemplate("no-option")]));
  control.setAttribute("aria-expanded", "true");
  const chosen = text ? 0 : found.findIndex(({ label }) => label === control.value);
  highlight(field, control, Math.max(0, chosen));
}

/** Look for industries with the words in `control`; return a promise of their list in `field`. */
function findIndustries(field, control) {
  const query = control.value.trim();
  const known = searches.get(field);
  clearTimeout(known?.timer);
  if (query.length < SHORTEST_QUERY) {
    searches.delete(field);
    close(field, control);
    return Promise.resolve();
  }
  if (known?.query === query && known.found) return known.found;
  const parameters = new URLSearchParams({ q: query, for: idOf(field.dataset.path) });
  if (page.dataset.catalogue) parameters.set("catalogue", page.dataset.catalogue);
  const found = loadIndustries(field, control, parameters);
  searches.set(field, { query, found });
  return found;
}

async function loadIndustries(field, control, parameters) {
  const isWanted = () => searches.get(field)?.query === parameters.get("q");
  await loadOptions(`${page.dataset.industries}?${parameters}`, listOf(field), isWanted);
  if (document.activeElement !== control || !isWanted()) return;
  control.setAttribute("aria-expanded", "true");
  highlight(field, control, 0);
}

function findIndustriesSoon(field, control) {
  clearTimeout(searches.get(field)?.timer);
  searches.set(field, { timer: setTimeout(() => findIndustries(field, control), PAUSE_MS) });
}

function choose(field, control, option) {
  const label = option.querySelector("span").textContent;
  if (isSearch(field)) field.dataset.searched = control.value.trim();
  control.value = isSearch(field) ? `${option.dataset.value} ${label}` : label;
  control.dataset.value = option.dataset.value;
  searches.delete(field);
  close(field, control);
  hooks.commitField(field);
}

/** Return whether the text of `control` needs no list: none, or the code of an industry. */
function isPlain(field, control) {
  const text = control.value.trim();
  return !text || (isSearch(field) && INDUSTRY_CODE.test(text));
}

/** Return the option that the text of `control` means, null without one; `orFirst` takes the first of several. */
async function meantOption(field, control, orFirst) {
  if (isSearch(field)) await findIndustries(field, control);
  else if (!isOpen(control)) showChoices(field, control, control.value);
  const options = optionsOf(field);
  const code = isSearch(field) ? null : theOne(choicesOf(field), control.value)?.code;
  const meant = options.find((option) => option.dataset.value === code);
  return meant ?? (options.length === 1 || orFirst ? options[0] : null);
}

/** Commit what is typed if it means one of the list. */
async function settle(field, control, orFirst = false) {
  const { path } = field.dataset;
  const isTyped = queue.isTyped(path);
  if (!isTyped || !isChanged(control) || isPlain(field, control)) {
    close(field, control);
    if (isTyped) return isChanged(control) ? hooks.commitField(field) : hooks.undo(path);
    return undefined;
  }
  const option = await meantOption(field, control, orFirst);
  if (option) return choose(field, control, option);
  close(field, control);
  return hooks.refuseField(field, REASONS[field.dataset.widget]);
}

function open(field, control) {
  if (isSearch(field)) return findIndustries(field, control);
  return showChoices(field, control, isChanged(control) ? control.value : "");
}

function move(field, control, key) {
  const options = isOpen(control) ? optionsOf(field) : [];
  if (options.length) highlight(field, control, nextPlace(options.indexOf(highlighted(field)), key, options.length));
  else if (!isOpen(control)) open(field, control);
  moved.add(field);
}

/** Return whether Tab takes the highlighted option: moved to, found by typing, or the only industry. */
function isTakenByTab(field, control) {
  if (moved.has(field)) return true;
  const text = queue.isTyped(field.dataset.path) ? control.value.trim() : "";
  if (!text || !isSearch(field)) return Boolean(text);
  return optionsOf(field).length === 1 && searches.get(field)?.query === text;
}

function takeByTab(field, control) {
  const option = isOpen(control) ? highlighted(field) : null;
  if (option && isTakenByTab(field, control)) choose(field, control, option);
  else if (!isSearch(field)) settle(field, control);
}

function takeByEnter(field, control) {
  const option = isOpen(control) ? highlighted(field) : null;
  if (option) choose(field, control, option);
  else settle(field, control, true);
}

function noteKey(event) {
  const control = event.target;
  const field = control.matches("input") ? comboboxOf(control) : null;
  if (!field || event.ctrlKey || event.metaKey) return;
  const { key } = event;
  if (key === "Tab") return takeByTab(field, control);
  if (ARROWS.has(key)) move(field, control, key);
  else if (key === "Escape" && isOpen(control)) close(field, control);
  else if (key === "Enter") takeByEnter(field, control);
  else return;
  event.preventDefault();
}

function noteTyping({ target }) {
  const field = comboboxOf(target);
  if (!field) return;
  moved.delete(field);
  if (isSearch(field)) findIndustriesSoon(field, target);
  else showChoices(field, target, target.value);
}

function noteLeaving({ target }) {
  const field = target.matches("input") ? comboboxOf(target) : null;
  if (!field) return;
  setTimeout(() => {
    if (!field.contains(document.activeElement)) settle(field, target);
  }, FOCUS_MOVES);
}

function notePress(event) {
  const option = event.target.closest("[role=option]");
  const field = comboboxOf(event.target);
  if (!field) return;
  const control = field.querySelector("input");
  if (option) {
    event.preventDefault();
    choose(field, control, option);
  } else if (event.target === control && !control.disabled && !isSearch(field)) {
    if (isOpen(control)) close(field, control);
    else open(field, control);
  }
}

/**
 * Start the comboboxes. `commitField(field)` saves what is chosen, `refuseField(field, reason)` keeps it unsaved, and
 * `undo(path)` forgets it.
 */
export function startCombobox({ commitField, refuseField, undo }) {
  Object.assign(hooks, { commitField, refuseField, undo });
  page.addEventListener("input", noteTyping);
  page.addEventListener("focusout", noteLeaving);
  page.addEventListener("keydown", noteKey);
  page.addEventListener("mousedown", notePress);
}
