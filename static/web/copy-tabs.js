/* The tabs of a form's copies: going from one to another, a new copy, the name of the shown one, and the orders of its
   menu. A name is typed in the row of tabs, and the focus returns to where it was. */

import { onClick } from "./clicks.js";
import { addKey } from "./shortcuts.js";

const root = document.querySelector(".form-page");
const byId = (id) => document.getElementById(id);

let order = () => {}; // sends an order on a copy
let follow = () => {}; // goes to the copy at an address
let before = null; // the element that had the focus before a name was typed

/** Open the field for a name in `form`, with `text` in it. */
function openName(form, text) {
  if (!form || !form.hidden) return;
  if (!form.contains(document.activeElement)) before = document.activeElement;
  byId("tabs").hidden = false;
  form.hidden = false;
  form.parentElement.dataset.named = "";
  const field = form.querySelector("input");
  field.value = text;
  field.focus();
  field.select();
}

/** Close the field for a name again, and return the focus. */
function closeName(form) {
  if (form.hidden) return;
  const hadFocus = form.contains(document.activeElement);
  form.hidden = true;
  delete form.parentElement.dataset.named;
  byId("tabs").hidden = document.querySelectorAll("[data-copy-tab]").length < 2;
  if (hadFocus && before?.isConnected) before.focus({ preventScroll: true });
}

const shownTitle = () => document.querySelector(".tab [aria-current] .tab-title")?.textContent ?? "";

function startNewCopy() {
  openName(byId("new-copy-form"), "");
  return Boolean(byId("new-copy-form"));
}

function startRename() {
  openName(byId("rename"), shownTitle());
  return Boolean(byId("rename"));
}

const makeCopy = (title) => order({ to: root.dataset.copies, title, needsTabs: true });

const orderOf = (of, wanted, more = {}) =>
  order({ to: root.dataset.copyOrders, order: wanted, of, needsTabs: true, ...more });

function submitName(form) {
  const { value } = form.querySelector("input");
  closeName(form);
  if (form.id === "new-copy-form") makeCopy(value.trim());
  else if (value.trim() !== shownTitle()) orderOf(root.dataset.copyId, "rename", { title: value });
}

function startNames() {
  onClick("[data-new-copy]", startNewCopy);
  onClick("[data-rename-copy]", startRename);
  onClick("[data-duplicate-copy]", () => makeCopy(""));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#new-copy-form, #rename")) return;
    event.preventDefault();
    submitName(event.target);
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("#new-copy-form, #rename");
    if (!form || event.key !== "Escape") return;
    event.preventDefault();
    closeName(form);
  });
  // A name is saved like an answer when its field is left; a copy without a name is not made by leaving.
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    const form = target.closest?.("#new-copy-form, #rename");
    if (!form || form.hidden || form.contains(relatedTarget)) return;
    if (form.id === "rename") submitName(form);
    else if (!target.value.trim()) closeName(form);
  });
  document.addEventListener("dblclick", ({ target }) => {
    if (target.closest(".tab > a[aria-current]")) startRename();
  });
}

function startMenu() {
  onClick("[data-copy-order]", ({ dataset }) => {
    const more = dataset.open ? { open: "1" } : {};
    orderOf(dataset.of, dataset.copyOrder, more);
    byId("toast").replaceChildren();
  });
  onClick("[data-lock-copy]", (button) => {
    const form = byId("lock-form");
    form.hidden = !form.hidden;
    button.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) byId("lock-reason").focus();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "lock-form") return;
    event.preventDefault();
    byId("copy-menu").hidePopover();
    orderOf(root.dataset.copyId, "lock", { reason: byId("lock-reason").value });
  });
}

/** Go to the tab before (-1) or after (1) the shown one, around the end. */
function goToNeighbor(step) {
  const tabs = [...document.querySelectorAll("[data-copy-tab]")];
  const place = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
  const next = tabs.at((place + step) % tabs.length);
  if (tabs.length > 1) next.click();
  return tabs.length > 1;
}

function startKeys() {
  addKey("[", () => goToNeighbor(-1));
  addKey("]", () => goToNeighbor(1));
  addKey("n", startNewCopy);
  addKey("F2", startRename);
}

/**
 * Start the tabs. `sendOrder(order)` sends an order to the address `order.to`; `goTo(url)` shows the copy at an
 * address.
 */
export function startCopyTabs({ sendOrder, goTo }) {
  order = sendOrder;
  follow = goTo;
  startNames();
  startMenu();
  startKeys();
  document.body.addEventListener("copy-made", ({ detail }) => follow(detail.url));
}
