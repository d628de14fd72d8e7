/* The grid of quotes: it is loaded again when something changes, and keeps opened rows, the focus and the choice. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { fetchPart, oneAfterAnother } from "./fresh-parts.js";
import { clockText, requestLabel } from "./quote-clock.js";

const SECOND = 1_000;

const chosen = new Map(); // the value of a chosen check box -> "request" or "ask-again"

let clockOffset = 0; // of the server's clock to this one

const grid = () => document.getElementById("quotes");
const detailsOf = (key) => document.getElementById(`details-${key}`);
const openersOf = (key) => document.querySelectorAll(`[data-open-quote="${key}"]`);

/** Leave alone what the person opened: its content is loaded by itself. */
const guards = {
  beforeNodeMorphed: (old) => !(old instanceof HTMLElement && old.matches(".quote-opened:not([hidden])")),
  beforeAttributeUpdated: (name, element) => !(name === "aria-expanded" && element.matches("[data-open-quote]")),
};

const morph = (old, fresh, morphStyle = "outerHTML") => Idiomorph.morph(old, fresh, { morphStyle, callbacks: guards });

/** Put the parts of a response into the page, each in the place of the element with its id. */
export function showParts(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const counts = grid().dataset.counts;
  const parts = [...fresh.body.children]; // a morph takes elements out of it
  for (const part of parts) {
    const old = part.id && document.getElementById(part.id);
    if (old) morph(old, part);
  }
  restoreChoice();
  setClock();
  if (grid().dataset.counts !== counts) announce(grid().dataset.counts);
  for (const row of document.querySelectorAll(".quote-opened:not([hidden])")) refreshDetails(row);
}

/** Load the grid again; calls while it is on its way lead to one more. */
export const refresh = oneAfterAnother(async () => {
  const text = await fetchPart(grid().dataset.address);
  if (text !== null) showParts(text);
});

/** Load the opened row again, unless a person is entering something there. */
function refreshDetails(row) {
  const isUsed = row.querySelector("form")?.dataset.touched !== undefined;
  if (!isUsed) return loadDetails(row.id.replace("details-", ""));
}

async function loadDetails(key) {
  const text = await fetchPart(document.getElementById(`quote-${key}`)?.dataset.url);
  const place = document.querySelector(`[data-details="${key}"]`);
  if (text !== null && place) morph(place, text, "innerHTML");
}

/** Open the row `key`, or close it; resolve when its content is there. */
export async function toggleDetails(key, isOpen = detailsOf(key).hidden) {
  detailsOf(key).hidden = !isOpen;
  for (const opener of openersOf(key)) opener.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) await loadDetails(key);
}

async function showDetails(button) {
  const key = button.dataset.showQuote;
  await toggleDetails(key, true);
  const place = document.querySelector(`[data-details="${key}"]`);
  place.querySelector("toAnswer" in button.dataset ? "form input" : "a, button")?.focus();
}

function setClock() {
  clockOffset = Date.parse(grid().dataset.now) - Date.now();
}

function tick() {
  const now = Date.now() + clockOffset;
  for (const element of document.querySelectorAll("#quotes [data-since]")) {
    element.textContent = clockText((now - Date.parse(element.dataset.since)) / SECOND);
  }
}

const chosenFor = (kind) => [...chosen].filter(([, order]) => order === kind).map(([value]) => value);

/** Return the chosen products and requests. */
export const choice = () => ({ products: chosenFor("request"), requests: chosenFor("ask-again") });

export function clearChoice() {
  chosen.clear();
  restoreChoice();
}

/** Check what was chosen, forget what can no longer be chosen, and say in the button what it would order. */
function restoreChoice() {
  const boxes = [...document.querySelectorAll("#quotes [data-pick]")];
  const values = new Set(boxes.map((box) => box.value));
  for (const value of chosen.keys()) if (!values.has(value)) chosen.delete(value);
  for (const box of boxes) box.checked = chosen.has(box.value);
  labelButton();
}

function labelButton() {
  const button = document.getElementById("request-quotes");
  if (!button) return;
  const { products, requests } = choice();
  const isChosen = products.length + requests.length > 0;
  button.disabled = !isChosen && !button.dataset.requestQuotes;
  const all = button.dataset.requestQuotes ? button.dataset.label : "Request quotes";
  button.textContent = isChosen ? requestLabel(products.length, requests.length) : all;
}

export function startQuoteGrid() {
  setClock();
  setInterval(tick, SECOND);
  restoreChoice();
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.("[data-pick]")) return;
    if (target.checked) chosen.set(target.value, target.dataset.pick);
    else chosen.delete(target.value);
    labelButton();
  });
  document.addEventListener("input", ({ target }) => {
    const form = target.closest?.(".quote-answer");
    if (form) form.dataset.touched = "";
  });
  onClick("[data-open-quote]", ({ dataset }) => toggleDetails(dataset.openQuote));
  onClick("[data-show-quote]", showDetails);
}
