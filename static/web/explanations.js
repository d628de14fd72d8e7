/* The "why" below each product: opens in place and follows the answers. */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { load } from "./requests.js";

const placeOf = (button) => document.getElementById(`why-${button.dataset.why}`);
const loadFor = (button) => load(button.dataset.url, placeOf(button));

function toggle(button) {
  const place = placeOf(button);
  const open = place.toggleAttribute("data-open");
  button.setAttribute("aria-expanded", String(open));
  if (open) loadFor(button);
  else place.replaceChildren();
}

export function startExplanations() {
  onClick("[data-why]", toggle);
  // An open explanation must be of this version, not of an older one.
  page.addEventListener("saved", () => document.querySelectorAll("[data-why][aria-expanded=true]").forEach(loadFor));
}
