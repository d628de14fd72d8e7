/* The form page's root element, whose data attributes name the addresses to which it talks, and the version it shows.
 */

export const page = document.getElementById("form");

const head = () => document.getElementById("head");

export const shownVersion = () => Number(head().dataset.version);

export function setShownVersion(version) {
  head().dataset.version = version;
}

/** Return how to scroll: not at all smoothly for users who prefer less motion. */
export const scrollBehavior = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
