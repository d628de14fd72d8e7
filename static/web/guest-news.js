/* What guests do while the agent's page is open: a notice for the first answer and for "I am done", and a badge in the
   head with all answers since it was last looked at. */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { fromTemplate } from "./page-templates.js";

const badge = document.getElementById("guest-news");
const seen = new Map(); // link -> { who, answers, isDone }

function showNotice(text) {
  document.getElementById("toast").replaceChildren(fromTemplate("guest-news", { text }));
}

function words() {
  const [{ who, answers, isDone }] = seen.values();
  if (seen.size > 1) return `${seen.size} guests`;
  return isDone ? `${who} is done` : `${who}: ${answers} new`;
}

function note({ link, who, answers, is_done: isDone, text }) {
  const before = seen.get(link);
  // Each further answer changes the badge alone.
  if (!before || isDone) showNotice(text);
  seen.set(link, { who, answers: (before?.answers ?? 0) + answers, isDone: isDone || Boolean(before?.isDone) });
}

function show() {
  seen.clear();
  badge.hidden = true;
  document.getElementById("toast").replaceChildren();
  document.getElementById("guests-button").click();
}

export function startGuestNews() {
  page.addEventListener("saved", ({ detail }) => {
    const news = detail.guests ?? [];
    for (const item of news) note(item);
    if (!news.length) return;
    badge.textContent = words();
    badge.hidden = false;
  });
  onClick("[data-show-guests]", show);
}
