/* The rows of pools: adding, duplicating, removing and putting back, and the rows of a long pool that open and close;
   and the orders about one answer: clearing it, and confirming it in spite of a warning. */

import { onClick } from "./clicks.js";
import { rowAt } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { load } from "./requests.js";

/** Load the questions of the closed row at `path`; return the row, null if it is not on the page. */
export async function openRow(path) {
  const row = rowAt(path);
  if (!row || row.hasAttribute("data-open")) return row;
  await load(`${page.dataset.row}?${new URLSearchParams({ path })}`, row, "outerHTML");
  return rowAt(path);
}

function closeRow(row, button) {
  row.removeAttribute("data-open");
  for (const part of [...row.children].slice(1)) part.remove();
  button.setAttribute("aria-expanded", "false");
}

async function fold(button) {
  const path = button.dataset.fold;
  const row = rowAt(path);
  if (row.hasAttribute("data-open")) return closeRow(row, button);
  await openRow(path);
  document.getElementById(button.id)?.focus({ preventScroll: true });
}

const clearToast = () => document.getElementById("toast").replaceChildren();

export function startRows() {
  onClick("[data-add]", ({ dataset }) => queue.order({ order: "add", path: dataset.add }));
  onClick("[data-duplicate]", ({ dataset }) => queue.order({ order: "duplicate", path: dataset.duplicate }));
  onClick("[data-remove]", ({ dataset }) => queue.order({ order: "remove", path: dataset.remove }));
  onClick("[data-discard]", ({ dataset }) => queue.order({ order: "discard", path: dataset.discard }));
  onClick("[data-confirm]", ({ dataset }) => {
    queue.order({ order: "confirm", path: dataset.confirm, code: dataset.code });
  });
  onClick("[data-unknown]", ({ dataset }) => queue.order({ order: "unknown", path: dataset.unknown }));
  onClick("[data-known]", ({ dataset }) => queue.order({ order: "known", path: dataset.known }));
  onClick("[data-put-back]", ({ dataset }) => {
    queue.order({ order: "put-back", path: dataset.putBack, version: dataset.version });
    clearToast();
  });
  onClick("[data-close-toast]", clearToast);
  onClick("[data-clear]", ({ dataset }) => queue.commit(dataset.clear, null));
  onClick("[data-fold]", fold);
}
