/* What guests do while the agent's page is open: a notice for the first answer and for "I am done", and a badge in the
   head with all answers since it was last looked at. */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { fromTemplate } from "./page-templates.js";

const badge = document.getElementById("guest-news");
const news = new Map(); // copy -> link -> { who, answers, isDone }, of what was not looked at

/** Return the news of the shown copy; each copy has its own guests. */
function newsHere() {
  const { copyId } = page.dataset;
  if (!news.has(copyId)) news.set(copyId, new Map());
  return news.get(copyId);
}

function showNotice(text) {
  document.getElementById("toast").replaceChildren(fromTemplate("guest-news", { text }));
}

function hideNotice() {
  const toast = document.getElementById("toast");
  if (toast.querySelector("[data-show-guests]")) toast.replaceChildren();
}

function words([first, ...others]) {
  if (others.length) return `${others.length + 1} guests`;
  return first.isDone ? `${first.who} is done` : `${first.who}: ${first.answers} new`;
}

function note({ link, who, answers, is_done: isDone, text }) {
  const seen = newsHere();
  const before = seen.get(link);
  // Each further answer changes the badge alone.
  if (!before || isDone) showNotice(text);
  seen.set(link, { who, answers: (before?.answers ?? 0) + answers, isDone: isDone || Boolean(before?.isDone) });
}

/** Show the badge of the shown copy, none without news. */
function drawBadge() {
  const guests = [...newsHere().values()];
  badge.hidden = !guests.length;
  if (guests.length) badge.textContent = words(guests);
}

function show() {
  newsHere().clear();
  drawBadge();
  hideNotice();
  document.getElementById("guests-button").click();
}

export function startGuestNews() {
  let shown = page.dataset.copyId;
  page.addEventListener("saved", ({ detail }) => {
    // A notice about the guest of another copy would lead to the guests of this one.
    if (shown !== page.dataset.copyId) hideNotice();
    shown = page.dataset.copyId;
    for (const item of detail.guests ?? []) note(item);
    drawBadge();
  });
  onClick("[data-show-guests]", show);
}
