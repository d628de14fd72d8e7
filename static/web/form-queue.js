/* The save queue of this page's copy, sending through htmx. */

import { fieldAt, idOf, rowAt } from "./field.js";
import { page, shownVersion } from "./form-page.js";
import { problemOf, request } from "./requests.js";
import { SaveQueue } from "./save-queue.js";
import * as saveStatus from "./save-status.js";
import { openSets } from "./set-cards.js";

const CONFLICT = 409;
const SECOND = 1_000;

let isOutdated = false; // whether all parts are to be loaded, whatever version they show
const orderKeys = new WeakMap(); // order -> its key, by which the server knows an order that is sent again

const asJson = (entries) => JSON.stringify(Object.fromEntries(entries));

/** Return whether the person has the focus or unsaved text in `row`. */
function isWorkedIn(row) {
  if (row.contains(document.activeElement)) return true;
  return [...row.querySelectorAll(".field[data-path]")].some((field) => queue.isHeld(field.dataset.path));
}

/** Return the ids of the rows that stay open: a short list may become a long one, whose rows come closed. */
export function openRows() {
  const rows = [...page.querySelectorAll(".rows > [data-open]")];
  const open = rows.filter((row) => row.matches(".long > *") || isWorkedIn(row));
  return open.map((row) => row.dataset.row.split("/").pop()).join(",");
}

function orderKey(order) {
  if (!orderKeys.has(order)) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    orderKeys.set(order, [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return orderKeys.get(order);
}

/** Return the view whose tabs a response contains; a page without tabs needs none. */
function viewWithTabs(isNeeded) {
  const tabs = document.getElementById("tabs");
  return tabs && (isNeeded || !tabs.hidden) ? { "X-View": page.dataset.view } : {};
}

async function send(method, url, values, more = {}, { needsTabs = false } = {}) {
  const shown = { "X-Copy-Version": String(shownVersion()), "X-Open-Rows": openRows(), "X-Open-Sets": openSets() };
  const headers = { ...shown, ...viewWithTabs(needsTabs), ...more };
  const xhr = await request(method, url, { source: page, swap: "none", values, headers });
  const seconds = Number(xhr.getResponseHeader("Retry-After") ?? NaN);
  const passes = Number.isFinite(seconds);
  // A conflict that passes says when to try again.
  const isFinal = xhr.status === CONFLICT && !passes;
  return { status: xhr.status, problem: problemOf(xhr), isFinal, wait: passes ? seconds * SECOND : 0 };
}

/** Return a function that focuses what comes after the row at `path` once it is removed: the same button of the next
    row, else of the one before, else the button that adds one. */
function focusBeside(path) {
  const row = rowAt(path);
  const ids = [row?.nextElementSibling?.id, row?.previousElementSibling?.id].filter(Boolean);
  const foot = `f-${idOf(path.split("/").slice(0, -1).join("/"))}`;
  return () => {
    if (document.activeElement !== document.body) return;
    const buttons = ids.map((id) => document.getElementById(id)?.querySelector("[data-remove]"));
    const last = document.getElementById(foot);
    (buttons.find(Boolean) ?? last?.querySelector("[data-add]") ?? last)?.focus({ preventScroll: true });
  };
}

const sender = {
  saveAnswers(answers) {
    const searched = [...answers.keys()]
      .map((path) => [path, fieldAt(path)?.dataset.searched])
      .filter(([, words]) => words);
    return send("POST", page.dataset.answers, { answers: asJson(answers), searched: asJson(searched) });
  },
  async sendOrder(wanted) {
    const { to = page.dataset.rows, needsTabs, ...order } = wanted;
    const moveOn = order.order === "remove" ? focusBeside(order.path) : () => {};
    const response = await send("POST", to, order, { "X-Order-Key": orderKey(wanted) }, { needsTabs });
    moveOn();
    return response;
  },
  async loadParts() {
    const more = isOutdated ? { "X-Copy-Version": "0" } : {};
    isOutdated = false;
    const response = await send("GET", page.dataset.parts, {}, more);
    if (response.status === 404) page.dispatchEvent(new CustomEvent("copy-gone"));
    return response;
  },
};

export const queue = new SaveQueue({ sender, view: saveStatus, shownVersion });

/** Load all parts again: they show something besides this copy, which has changed. */
export function loadEverything() {
  isOutdated = true;
  queue.refresh();
}

/** Warn before unsaved text is left behind, and send at once when the connection is back. */
export function startQueue() {
  window.addEventListener("beforeunload", (event) => {
    if (queue.isUnsaved) event.preventDefault();
  });
  window.addEventListener("online", () => queue.retryNow());
}
