/* The worklist of forms: addresses without empty filters, and keys: j and k move, Enter opens, the space bar shows the
   products, f filters, Esc closes the products or clears the selection. The key x is in selection.js. */

import { onClick } from "./clicks.js";
import { closePeek, startPeek } from "./peek.js";
import { placeAfter } from "./quote-clock.js";
import { showProblem } from "./requests.js";
import { clearSelection } from "./selection.js";
import { addKey } from "./shortcuts.js";

const names = () => [...document.querySelectorAll("#results .form-row .name")];

/** Focus the name `step` rows further; Enter follows it, as it does any link. */
function move(step) {
  const all = names();
  const row = document.activeElement?.closest(".form-row");
  const name = all[placeAfter(all.indexOf(row?.querySelector(".name")), step, all.length)];
  name?.focus();
  name?.closest("tr").scrollIntoView({ block: "nearest" });
  return Boolean(name);
}

/** Close the products, else clear the selection, unless a menu or a list of choices is open, which Esc closes. */
const close = () => !document.querySelector(":popover-open") && (closePeek() || clearSelection());

function focusFilter() {
  const filter = document.querySelector("[data-filter]");
  filter.focus();
  filter.select();
  return true;
}

/** Say in the bar why selected forms were not deleted. */
function startDeleting() {
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, xhr, successful } }) => {
    const place = document.querySelector("[data-delete-problem]");
    if (elt.matches("[data-delete-selected]") && place && !successful) showProblem(place, xhr);
  });
}

/** Keep parameters without a value out of the address of the list. */
function startAddresses() {
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.matches("[data-filters]")) return;
    const empty = Array.from(detail.formData.entries()).filter(([, value]) => value === "");
    for (const [name] of empty) detail.formData.delete(name);
  });
}

export function startWorklist() {
  startAddresses();
  startDeleting();
  startPeek(addKey);
  addKey("f", focusFilter);
  addKey("j", () => move(1));
  addKey("k", () => move(-1));
  addKey("Escape", close);
  onClick("[data-clear-selection]", () => clearSelection());
}
