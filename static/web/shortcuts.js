/* Keys and dialogs of every page: "/" searches, "g" and then a letter goes to a place, "?" shows the keys. In
   fields, where letters are text, Alt and a letter do the same. */

import { onClick } from "./clicks.js";
import { startMenus } from "./menus.js";
import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

const G_COUNTS = 1_500;

const destinations = new Map([
  ["f", () => document.querySelector("a.brand")?.click()],
  ["q", () => document.querySelector('.places a[href="/quotes"]')?.click()],
  ["o", () => document.querySelector('.places a[href="/operations"]')?.click()],
]);
const keys = new Map(); // a key of its own -> what it does
const altKeys = new Map(); // code of a key -> what it does together with Alt, in fields too
let pressedG = 0; // when

/** Let "g" and `letter` call `go()`. */
export function addDestination(letter, go) {
  destinations.set(letter, go);
}

/** Let `key`, pressed outside of fields, call `act()`, which returns false if there was nothing to do. */
export function addKey(key, act) {
  keys.set(key, act);
}

/** Let Alt and the key `code` call `act()`, which returns false if there was nothing to do. */
export function addAltKey(code, act) {
  altKeys.set(code, act);
}

const isTyping = (element) =>
  element.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

function focusSearch() {
  const search = document.querySelector("[data-search]");
  search?.focus();
  search?.select();
  return Boolean(search);
}

function showKeys() {
  const sheet = document.getElementById("keys");
  sheet?.showModal();
  return Boolean(sheet);
}

/** Do what `key` asks for; return whether there was something to do. */
function press(key, isAfterG) {
  if (isAfterG && destinations.has(key)) {
    destinations.get(key)();
    return true;
  }
  if (key === "/") return focusSearch();
  if (key === "?") return showKeys();
  if (key === "g") pressedG = Date.now();
  return keys.get(key)?.() ?? false;
}

function pressAlt(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("dialog[open]")) return;
  if (altKeys.get(event.code)?.()) event.preventDefault();
}

/** Go to the page that starts a form; on the pages of a form its own key comes instead. */
function startNewForm() {
  const address = document.querySelector("[data-start]")?.dataset.start;
  if (!address) return;
  addKey("n", () => {
    location.assign(address);
    return true;
  });
}

/** Let the keys 1, 2, ... go to the views of the form. */
function startViews() {
  for (const number of ["1", "2", "3", "4"]) {
    addKey(number, () => {
      const view = document.querySelector(`.views a[data-key="${number}"]`);
      view?.click();
      return Boolean(view);
    });
  }
}

export function startShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.altKey) return pressAlt(event);
    if (event.ctrlKey || event.metaKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const isAfterG = Date.now() - pressedG < G_COUNTS;
    pressedG = 0;
    if (press(event.key, isAfterG)) event.preventDefault();
  });
  startMenus();
  startPalette();
  startTheme();
  startViews();
  startNewForm();
  onClick("[data-open-dialog]", ({ dataset }) => document.getElementById(dataset.openDialog).showModal());
}
