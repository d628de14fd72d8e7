/* The cards of a long form, which are drawn when they are opened: by their button, or because somebody goes to a
   question in them. */

import { onClick } from "./clicks.js";
import { fieldAt } from "./field.js";
import { page } from "./form-page.js";
import { request } from "./requests.js";

const UNDRAWN = ".set[data-undrawn]";

/** Return the codes of the drawn sets: they stay drawn, whatever the length of the form. */
export function openSets() {
  const drawn = [...page.querySelectorAll(".set:not([hidden], [data-undrawn])")];
  return drawn.map(({ id }) => id.slice("s-".length)).join(",");
}

const load = (values, source) =>
  request("GET", `${page.dataset.row}?${new URLSearchParams(values)}`, {
    source,
    swap: "none",
    headers: { "X-Open-Sets": openSets() },
  });

/** Draw the set `code` if it is not drawn. */
export async function openSet(code) {
  const card = document.getElementById(`s-${code}`);
  if (card?.matches(UNDRAWN)) await load({ set: code }, card);
}

/** Draw the set that has the question at `path` if the page may not have it. */
export async function openSetOf(path) {
  const outermost = path.split("/")[0];
  const main = document.getElementById("main");
  if (!fieldAt(outermost) && page.querySelector(UNDRAWN)) await load({ path: outermost }, main);
}

export function startSetCards() {
  onClick("[data-open-set]", async ({ dataset: { openSet: code } }) => {
    await openSet(code);
    const first = document.querySelector(`#s-${CSS.escape(code)} :is(input, select, textarea, button):enabled`);
    first?.focus({ preventScroll: true });
  });
}
