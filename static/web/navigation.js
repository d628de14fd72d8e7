/* Going to a question, a row or a question set, by link, by key or by the address of the page; and the mark at the set
   that is in view. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { closeDrawers, openDrawer } from "./drawers.js";
import { nextFault } from "./faults.js";
import { fieldAt, pathOf, rowAt } from "./field.js";
import { page, scrollBehavior } from "./form-page.js";
import { openRow } from "./rows.js";
import { openSet, openSetOf } from "./set-cards.js";
import { addAltKey, addDestination } from "./shortcuts.js";
import { say } from "./words.js";

const CONTROLS = "input:not([disabled]), select:not([disabled]), textarea:not([disabled]), button:not([disabled])";
const NARROW_HEAD = 56;
const BELOW_HEAD = 120;

const head = document.getElementById("head");
let marked = ""; // the id of the set that is marked

/** Go to the question, pool or row at `path`, opening its set and rows; return whether the page has it. */
async function goTo(path) {
  closeDrawers();
  await openSetOf(path);
  const parts = path.split("/");
  for (let length = 2; length <= parts.length; length += 2) await openRow(parts.slice(0, length).join("/"));
  const element = fieldAt(path) ?? rowAt(path);
  if (!element) return false;
  page.dispatchEvent(new CustomEvent("going", { detail: element }));
  element.scrollIntoView({ block: "center", behavior: scrollBehavior() });
  const control = element.querySelector("input:checked") ?? element.querySelector(CONTROLS);
  (control ?? element).focus({ preventScroll: true });
  return true;
}

/** Go to the set `code`; return whether the page has it. */
async function goToSet(code) {
  closeDrawers();
  await openSet(code);
  const section = document.getElementById(`s-${code}`);
  if (!section) return false;
  page.dispatchEvent(new CustomEvent("going", { detail: section }));
  section.scrollIntoView({ block: "start", behavior: scrollBehavior() });
  section.querySelector(CONTROLS)?.focus({ preventScroll: true });
  return true;
}

/**
 * Go where the address of the page leads: `#f-` and `#q-` to a question or pool, `#r-` to a row, `#s-` to a set.
 * What the browser cannot find is not drawn yet, or in a row that is closed.
 */
async function goToAddress() {
  const [, kind, id] = /^#([fqrs])-([\w-]+)$/.exec(location.hash) ?? [];
  if (!id) return;
  const isThere = await (kind === "s" ? goToSet(id) : goTo(pathOf(id)));
  if (!isThere) announce(say("This question is not asked now."));
}

/** Go where `link` leads: on this page if it `has` that, else to its address. */
async function follow(link, event, has) {
  event.preventDefault();
  if (!(await has) && link.href) location.assign(link.href);
}

const headHeight = () => (getComputedStyle(head).position === "sticky" ? head.offsetHeight : NARROW_HEAD);

function markSetInView() {
  const line = headHeight() + BELOW_HEAD;
  const sections = [...document.querySelectorAll(".set:not([hidden])")].filter(({ offsetHeight }) => offsetHeight > 0);
  const here = sections.findLast((section) => section.getBoundingClientRect().top < line) ?? sections[0];
  if (!here || here.id === marked) return;
  marked = here.id;
  const links = [...document.querySelectorAll(".sets a")];
  for (const [index, link] of links.entries()) {
    if (`s-${link.dataset.set}` === marked) {
      link.setAttribute("aria-current", "location");
      document.getElementById("menu-place").textContent = placeWords(index, links.length, link);
    } else link.removeAttribute("aria-current");
  }
}

/** Return the words of the bar on narrow screens: `2 of 12 · About the business`. */
function placeWords(index, number, link) {
  const place = say("{place} of {number}", { place: index + 1, number });
  return `${place} · ${link.firstChild.textContent.trim()}`;
}

function startMark() {
  // On the root: the scroll padding of the page itself reads it.
  const root = document.documentElement;
  new ResizeObserver(() => root.style.setProperty("--head-height", `${headHeight()}px`)).observe(head);
  document.addEventListener("scroll", () => requestAnimationFrame(markSetInView), { passive: true });
  page.addEventListener("going", () => requestAnimationFrame(markSetInView));
  page.addEventListener("saved", () => {
    marked = "";
    requestAnimationFrame(markSetInView);
  });
  markSetInView();
}

function goToNeeded() {
  const link = document.getElementById("next-needed");
  if (link) goTo(link.dataset.go);
  return true;
}

function goToFault() {
  const path = nextFault(document.activeElement);
  if (path) goTo(path);
  return true;
}

function goToProducts() {
  openDrawer(".drawer-button");
  document.getElementById("products").focus();
  return true;
}

function startKeys() {
  for (const [letter, go] of Object.entries({ n: goToNeeded, e: goToFault, p: goToProducts })) {
    addDestination(letter, go);
    addAltKey(`Key${letter.toUpperCase()}`, go);
  }
  addDestination("s", () => {
    openDrawer(".menu-button");
    document.querySelector(".sets a")?.focus();
  });
  addDestination("h", () => document.getElementById("view-history")?.click());
}

/** Begin a form without answers at its first field, so that a person can type at once. */
function startAtFirstField() {
  const fields = [...page.querySelectorAll(".field[data-path]")];
  const isEmpty = fields.every((field) => field.hasAttribute("data-empty"));
  if (isEmpty && !location.hash && document.activeElement === document.body) {
    page.querySelector(".field[data-path] :is(input, select, textarea):enabled")?.focus({ preventScroll: true });
  }
}

export function startNavigation() {
  onClick("[data-go]", (link, event) => follow(link, event, goTo(link.dataset.go)));
  onClick("[data-set]", (link, event) => follow(link, event, goToSet(link.dataset.set)));
  onClick("[data-next-fault]", goToFault);
  startMark();
  startKeys();
  startAtFirstField();
  window.addEventListener("hashchange", goToAddress);
  goToAddress();
}
