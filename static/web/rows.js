/* The rows of pools: adding, duplicating and removing, and the rows of a long pool that open and close;
   and the orders about one answer: clearing it, and confirming it in spite of a warning. */

import { onClick } from "./clicks.js";
import { idOf, rowAt } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { fromTemplate } from "./page-templates.js";
import { load } from "./requests.js";
import { keepStop } from "./row-keys.js";

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

function hasUnsaved(row) {
  return [...row.querySelectorAll(".field[data-path]")].some(({ dataset }) => queue.isHeld(dataset.path));
}

/** Fold the last row of the long pool with the rows `list`, unless something in it is not saved. */
function foldLast(list) {
  const last = list.lastElementChild;
  if (!list.matches(".long") || !last?.hasAttribute("data-open") || hasUnsaved(last)) return;
  closeRow(last, last.querySelector("[data-fold]"));
}

/** Write the numbers of the rows in `list`, and whether there is room for duplicates. */
function recount(list) {
  const rows = [...list.children].filter((row) => !("gone" in row.dataset));
  const isFull = list.nextElementSibling.hasAttribute("data-full");
  for (const [index, row] of rows.entries()) {
    const head = row.querySelector(".row-head");
    const number = head?.querySelector("[data-number]");
    const duplicate = head?.querySelector("[data-duplicate]");
    if (number && number.textContent !== String(index + 1)) number.textContent = index + 1;
    if (duplicate) duplicate.disabled = isFull;
    if (head) keepStop(head);
  }
}

/**
 * Make a place for the row at `path`, which comes with the parts of this response, after the row `after`; or take the
 * `removed` row away.
 */
export function placeRow({ path, after, removed }) {
  const list = document.getElementById(`rows-${idOf(path.split("/").slice(0, -1).join("/"))}`);
  if (!list) return;
  if (removed) rowAt(path)?.remove();
  else if (!rowAt(path)) {
    if (queue.orderUnderWay?.order === "add") foldLast(list);
    const row = fromTemplate("row");
    row.id = `r-${idOf(path)}`;
    if (after && rowAt(after)) rowAt(after).after(row);
    else list.prepend(row);
  }
  // The foot of the pool and the row itself come with the parts.
  requestAnimationFrame(() => recount(list));
}

export function startRows() {
  onClick("[data-add]", ({ dataset }) => queue.order({ order: "add", path: dataset.add }));
  onClick("[data-duplicate]", ({ dataset }) => queue.order({ order: "duplicate", path: dataset.duplicate }));
  onClick("[data-remove]", ({ dataset }) => queue.order({ order: "remove", path: dataset.remove }));
  onClick("[data-discard]", ({ dataset }) => queue.order({ order: "discard", path: dataset.discard }));
  onClick("[data-confirm]", ({ dataset }) => {
    queue.order({ order: "confirm", path: dataset.confirm, code: dataset.code });
  });
  onClick("[data-same-as]", ({ dataset }) => queue.order({ order: "same-as", path: dataset.sameAs }));
  onClick("[data-unknown]", ({ dataset }) => queue.order({ order: "unknown", path: dataset.unknown }));
  onClick("[data-known]", ({ dataset }) => queue.order({ order: "known", path: dataset.known }));
  onClick("[data-close-toast]", () => document.getElementById("toast").replaceChildren());
  onClick("[data-clear]", ({ dataset }) => queue.commit(dataset.clear, null));
  onClick("[data-fold]", fold);
}
