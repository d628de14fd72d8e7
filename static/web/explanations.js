/* The "why" below each product, which opens in place and follows the answers, and the way back of each decline. */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { load, request } from "./requests.js";

const PAUSE_MS = 600;

let timer = 0;

const placeOf = (button) => document.getElementById(`why-${button.dataset.why}`);
const addressOf = (button) =>
  `${document.getElementById("products").dataset.explanations}?target=${encodeURIComponent(button.dataset.why)}`;
const loadFor = (button) => load(addressOf(button), placeOf(button));

function toggle(button) {
  const place = placeOf(button);
  const open = place.toggleAttribute("data-open");
  button.setAttribute("aria-expanded", String(open));
  if (open) loadFor(button);
  else place.replaceChildren();
}

/** Load what would take the declines back; no save waits for it. */
function loadWaysBack() {
  const products = document.getElementById("products");
  if (!products?.querySelector(".way-back")) return;
  request("GET", products.dataset.waysBack, { source: products, swap: "none" });
}

function follow() {
  // An open explanation must be of this version, not of an older one.
  document.querySelectorAll("[data-why][aria-expanded=true]").forEach(loadFor);
  clearTimeout(timer);
  timer = setTimeout(loadWaysBack, PAUSE_MS);
}

export function startExplanations() {
  onClick("[data-why]", toggle);
  page.addEventListener("saved", follow);
  loadWaysBack();
}
