/* The tabs on the page with the answers: copies are shown in place, orders go in the line in which answers are saved,
   and what others do with the form's copies appears in the tabs. */

import { announce } from "./announcer.js";
import { showBanner } from "./banner.js";
import { lastQuestion, startCopySwitch, switchCopy } from "./copy-switch.js";
import { startCopyTabs } from "./copy-tabs.js";
import { isGone, noteGone } from "./deleted-form.js";
import { page } from "./form-page.js";
import { loadEverything, queue } from "./form-queue.js";
import { request } from "./requests.js";

const OTHERS_REST = 150;

let timer = 0;

const tabOf = (element) => {
  const tab = element.closest?.("[data-copy-tab]");
  return tab && !tab.hasAttribute("aria-current") ? tab : null;
};

/** Let a plain click on a tab show its copy here, without the focus leaving the question. */
function startClicks() {
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-copy-tab]") && event.button === 0) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!isPlain || !event.target.closest?.("[data-copy-tab]")) return;
    event.preventDefault();
    const tab = tabOf(event.target);
    if (tab) switchCopy(tab.pathname);
  });
}

function loadTabs() {
  const headers = { "X-View": page.dataset.view };
  request("GET", page.dataset.tabs, { source: document.getElementById("tabs"), swap: "none", headers });
}

/** Load the menu of the copy when it closes, if it was left alone while it was open. */
function followMenu() {
  document.addEventListener(
    "toggle",
    ({ target, newState }) => {
      if (target.id !== "copy-menu" || newState !== "closed" || !("outdated" in target.dataset)) return;
      delete target.dataset.outdated;
      // An order of the menu brings the menu in its response, and may delete this copy meanwhile.
      if (queue.summary()?.state !== "saving") loadTabs();
    },
    true,
  );
}

/** Follow what others do with another copy; the answers of the base are shown beside those of this one. */
function followOther({ detail: { copyId } }) {
  if (copyId === document.getElementById("tabs").dataset.base) return loadEverything();
  clearTimeout(timer);
  timer = setTimeout(loadTabs, OTHERS_REST);
}

/** Say that somebody deleted the shown copy. */
function sayGone() {
  if (isGone()) return;
  noteGone();
  showBanner("gone");
  announce("Somebody deleted this copy. Go to another one, or restore it there.");
  loadTabs();
}

export function startAnswersTabs() {
  startCopySwitch();
  startCopyTabs({
    sendOrder: (order) => queue.order(order),
    goTo: (url) => switchCopy(url, { path: lastQuestion() }),
  });
  startClicks();
  followMenu();
  page.addEventListener("other-copy", followOther);
  page.addEventListener("copy-gone", sayGone);
}
