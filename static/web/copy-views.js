/* Copies whose page is loaded already, so that a switch to one of them shows it at once. A view that is known to be
   outdated is forgotten; what nobody told this page is loaded after the switch. */

import { openRows } from "./form-queue.js";
import { partHeaders } from "./requests.js";
import { openSets } from "./set-cards.js";

const LONGEST = 120_000;
const MOST = 6;

const views = new Map(); // address, open rows and sets -> { text: a promise of the markup, at: when it was asked for }

async function load(url) {
  const headers = partHeaders({ "X-Part": "view", "X-Open-Rows": openRows(), "X-Open-Sets": openSets() });
  const response = await fetch(url, { headers }).catch(() => null);
  return response?.ok ? response.text() : null;
}

/** Load the copy at `url` unless it is loaded; return a promise of its markup, null where it cannot be loaded. */
export function loadView(url) {
  const key = `${url} ${openRows()} ${openSets()}`;
  const known = views.get(key);
  if (known && performance.now() - known.at < LONGEST) return known.text;
  views.delete(key);
  const view = { text: load(url), at: performance.now() };
  views.set(key, view);
  if (views.size > MOST) views.delete(views.keys().next().value);
  forgetMissing(key, view);
  return view.text;
}

async function forgetMissing(key, view) {
  if ((await view.text) === null && views.get(key) === view) views.delete(key);
}

/** Forget the view of the copy `copyId`. */
export function forgetView(copyId) {
  for (const key of views.keys()) if (key.startsWith(`/forms/${copyId}`)) views.delete(key);
}

/** Forget all views: they show something that has changed. */
export const forgetViews = () => views.clear();
