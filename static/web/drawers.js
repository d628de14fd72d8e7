/* The drawers of narrow screens: the list of question sets and the panel of products. */

import { onClick } from "./clicks.js";

/** Open or close the drawer of `button`; without `open`, the other way than it is. */
function toggle(button, open = button.getAttribute("aria-expanded") !== "true") {
  document.getElementById(button.dataset.toggle).toggleAttribute("data-open", open);
  button.setAttribute("aria-expanded", String(open));
}

/** Open the drawer of the button that matches `selector`, where the screen is narrow enough to have drawers. */
export function openDrawer(selector) {
  const button = document.querySelector(selector);
  if (button?.offsetParent) toggle(button, true);
}

export function closeDrawers() {
  for (const button of document.querySelectorAll("[data-toggle][aria-expanded=true]")) toggle(button, false);
}

export function startDrawers() {
  onClick("[data-toggle]", (button) => toggle(button));
  onClick("[data-close-drawers]", closeDrawers);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) closeDrawers();
  });
}
