/* Keys of the grid of quotes: j and k move, Enter opens, x chooses. */

import { placeAfter } from "./quote-clock.js";
import { toggleDetails } from "./quote-grid.js";
import { addKey } from "./shortcuts.js";

const rows = () => [...document.querySelectorAll("#quotes tr.quote")];
const current = () => document.activeElement?.closest?.("#quotes tr.quote") ?? null;

function move(step) {
  const all = rows();
  const row = all[placeAfter(all.indexOf(current()), step, all.length)];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
  return Boolean(row);
}

/** Open or close the row in focus; a button in it does its own. */
function open() {
  const row = document.activeElement;
  if (!row?.matches("#quotes tr.quote")) return false;
  toggleDetails(row.dataset.key);
  return true;
}

function choose() {
  const box = current()?.querySelector("[data-pick]");
  box?.click();
  return Boolean(box);
}

export function startQuoteKeys() {
  addKey("j", () => move(1));
  addKey("k", () => move(-1));
  addKey("Enter", open);
  addKey("x", choose);
}
