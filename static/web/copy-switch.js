/* The switch to another copy of the form, in place: the page keeps its scroll position and the question in focus. A
   copy with an answer that is not saved is not left. */

import { announce } from "./announcer.js";
import { showTab } from "./copy-tabs.js";
import { forgetView, forgetViews, loadView } from "./copy-views.js";
import * as faults from "./faults.js";
import { fieldAt, fieldOf, focusField } from "./field.js";
import { page, shownVersion } from "./form-page.js";
import { queue } from "./form-queue.js";
import { morph } from "./morph-guards.js";
import { fromTemplate } from "./page-templates.js";
import { clearPutAway } from "./put-away.js";
import { scrollBack, setAnchor } from "./scroll-anchor.js";
import { followCopy } from "./socket.js";

const IDLE = 200;

const drafts = new Map(); // copy -> the message that is being written there

let lastField = ""; // the path of the question that had the focus last
let seenVersion = shownVersion(); // of the shown copy
let wanted = ""; // the address of the copy that was asked for last

const draftField = () => document.getElementById("message-text");

/** Return the `#form` element of the copy at `url`, null where it cannot be loaded. */
async function load(url) {
  const text = await loadView(url);
  return text && new DOMParser().parseFromString(text, "text/html").getElementById("form");
}

/** Load the tabs around the shown one and the one before when the page has nothing else to do. */
function loadNeighbors(left) {
  const tabs = [...document.querySelectorAll("[data-copy-tab]")];
  const place = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
  const around = [tabs[place - 1], tabs[place + 1]].filter(Boolean).map((tab) => tab.pathname);
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, IDLE));
  idle(() => new Set([left, ...around]).forEach((url) => loadView(url)));
}

/** Note that the shown copy was saved here: what its view and, if it is the base, all other views say is outdated. */
function noteSaved({ detail: { version } }) {
  if (!version || version === seenVersion) return;
  seenVersion = version;
  if (page.dataset.copyId === document.getElementById("tabs").dataset.base) forgetViews();
  else forgetView(page.dataset.copyId);
}

/** Commit what is typed in the focused field, as leaving it would; return the path of the field, "" for none. */
function leaveField() {
  const field = fieldOf(document.activeElement ?? page);
  if (!field) return "";
  document.activeElement.blur();
  return field.dataset.path;
}

function showProblem(text) {
  const message = fromTemplate("note", { text });
  document.getElementById("toast").replaceChildren(...message.childNodes);
  announce(text);
}

/** Refuse to leave a copy with answers that only this page has. */
function stay() {
  showProblem("This copy has an answer that is not saved. Fix it or undo it before you go to another copy.");
}

/** Keep what the tabs say now: the view in `fresh` may have been loaded before something changed it. */
function keepTabs(fresh) {
  for (const tab of fresh.querySelectorAll("[data-copy-tab]")) {
    const now = document.querySelector(`[data-copy-tab="${tab.dataset.copyTab}"]`);
    if (now) tab.replaceChildren(...now.cloneNode(true).childNodes);
  }
}

/** Show the copy in `fresh` instead of the present one. */
function show(fresh) {
  if (draftField()) drafts.set(page.dataset.copyId, draftField().value);
  clearPutAway();
  for (const field of document.querySelectorAll(".field[data-save]")) delete field.dataset.save;
  keepTabs(fresh);
  setAnchor();
  morph(page, fresh);
  seenVersion = shownVersion();
  scrollBack();
  showTab();
  document.title = page.dataset.pageTitle;
  if (draftField()) draftField().value = drafts.get(page.dataset.copyId) ?? "";
  faults.draw();
  page.dispatchEvent(new CustomEvent("saved", { detail: {} }));
}

/** Put the focus where it was: at the same question, or at the tab that was pressed. */
function restoreFocus(path) {
  if (path && fieldAt(path)) focusField(path);
  else if (document.activeElement === document.body) document.querySelector(".tab [aria-current]")?.focus();
}

/**
 * Go to the copy at `url`; return whether the page shows it. `path` is the question to return to, by default the one in
 * focus; `push` adds the address to the history.
 */
export async function switchCopy(url, { push = true, path = "" } = {}) {
  wanted = url;
  const question = leaveField() || path;
  await queue.whenIdle();
  if (queue.isUnsaved) {
    stay();
    return false;
  }
  const left = page.dataset.address;
  const fresh = await load(url);
  if (wanted !== url) return false;
  if (!fresh) {
    showProblem("This copy cannot be shown right now. Try again.");
    return false;
  }
  // Something was typed while the other copy was on its way: it belongs to this one.
  if (queue.isUnsaved) return switchCopy(url, { push, path: question });
  if (push) history.pushState({}, "", url);
  arrive(fresh, { question, left });
  return true;
}

/** Show the copy in the markup `fresh`, with the focus at `question`; `left` is the address of the copy before. */
function arrive(fresh, { question, left }) {
  show(fresh);
  restoreFocus(question);
  followCopy();
  // Saves that this page was not told of, and tabs that have changed since the view was loaded.
  queue.refresh();
  loadNeighbors(left);
  const title = document.querySelector(".tab [aria-current] .tab-title")?.textContent ?? "";
  announce(`${title} is shown.`);
}

function loadPointedAt({ target }) {
  const tab = target.closest?.("[data-copy-tab]:not([aria-current])");
  if (tab) loadView(tab.pathname);
}

/**
 * Keep responses out of the page that were asked for when it showed another copy: what they say of tabs, rows or
 * explanations is true there.
 */
function startDroppingOutdated() {
  const first = page.dataset.copyId; // also of requests that the page sends while it starts
  const askedFor = new WeakMap(); // request -> the copy that was shown when it was sent
  document.body.addEventListener("htmx:beforeRequest", ({ detail }) => askedFor.set(detail.xhr, page.dataset.copyId));
  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    const copyId = askedFor.get(event.detail.xhr) ?? first;
    if (copyId !== page.dataset.copyId) event.preventDefault();
  });
}

/** Return the path of the question that had the focus last. */
export const lastQuestion = () => lastField;

export function startCopySwitch() {
  startDroppingOutdated();
  page.addEventListener("focusin", ({ target }) => {
    const field = fieldOf(target);
    if (field) lastField = field.dataset.path;
  });
  page.addEventListener("saved", noteSaved);
  page.addEventListener("other-copy", ({ detail }) => {
    if (detail.copyId === document.getElementById("tabs").dataset.base) forgetViews();
    else forgetView(detail.copyId);
  });
  // A hand on its way to a tab: its copy is there when the tab is pressed.
  document.addEventListener("pointerover", loadPointedAt);
  document.addEventListener("focusin", loadPointedAt);
  // Back and forward go from copy to copy, where the page need not be left.
  window.addEventListener("popstate", async () => {
    const shown = page.dataset.address;
    if (location.pathname === shown) return;
    const isShown = await switchCopy(location.pathname, { push: false });
    if (!isShown && page.dataset.address === shown) history.pushState({}, "", shown);
  });
}
