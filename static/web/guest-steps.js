/* One question set per screen on phones, with a bar below: Back, the place, Next, and at the end "I am done".

   Which sets are elsewhere is marked at all widths; the styles hide them on phones alone. The set that is shown is
   drawn, also in a long form. */

import { onClick } from "./clicks.js";
import { closeDrawers } from "./drawers.js";
import { page } from "./form-page.js";
import { openSet } from "./set-cards.js";
import { say } from "./words.js";

const cards = document.getElementById("main");
const bar = document.getElementById("steps");
let current = ""; // the id of the shown set
let lastPlace = 0;
let tried = ""; // the id of the shown set that was to be drawn

const part = (name) => bar.querySelector(`[data-step="${name}"]`);
const codeOf = (set) => set.id.slice("s-".length);
const shownSets = () => [...cards.querySelectorAll(":scope > .set:not([hidden])")];

/** Draw the shown `set` if it is not drawn, once: where that fails its own button stays. */
function draw(set) {
  if (!set?.hasAttribute("data-undrawn") || tried === set.id) return;
  tried = set.id;
  openSet(codeOf(set));
}

/** Mark the sets that are elsewhere, and bring the bar up to date. Without a change nothing is written. */
function update() {
  const sets = shownSets();
  const known = sets.findIndex(({ id }) => id === current);
  // A set that is no longer asked gives its place to the next one.
  lastPlace = known < 0 ? Math.max(0, Math.min(lastPlace, sets.length - 1)) : known;
  current = sets[lastPlace]?.id ?? "";
  for (const set of sets) set.toggleAttribute("data-elsewhere", set.id !== current);
  cards.querySelector(".welcome").toggleAttribute("data-elsewhere", lastPlace > 0);
  const isLast = lastPlace >= sets.length - 1;
  document.getElementById("derived")?.toggleAttribute("data-elsewhere", !isLast);
  const canFinish = document.getElementById("done") !== null;
  const isAllAnswered = document.querySelector("#panel [data-left]") === null;
  part("place").textContent = say("{place} of {number}", { place: lastPlace + 1, number: sets.length });
  part("back").disabled = lastPlace === 0;
  part("next").hidden = isLast;
  part("done").hidden = !canFinish || !(isLast || isAllAnswered);
  draw(sets[lastPlace]);
}

/** Show the set in or around `element`. */
function showAround(element) {
  const set = element.closest(".set");
  if (!set) return;
  current = set.id;
  update();
}

async function move(by) {
  const set = shownSets()[lastPlace + by];
  if (!set) return;
  closeDrawers();
  await openSet(codeOf(set));
  // Meanwhile another step may have been taken, or the set is no longer asked.
  const drawn = document.getElementById(set.id);
  if (!drawn || drawn.hidden) return;
  page.dispatchEvent(new CustomEvent("going", { detail: drawn }));
  scrollTo({ top: 0 });
  drawn.querySelector("h2[tabindex], h2 button")?.focus({ preventScroll: true });
}

export function startGuestSteps() {
  onClick("[data-step=back]", () => move(-1));
  onClick("[data-step=next]", () => move(1));
  page.addEventListener("going", ({ detail }) => showAround(detail));
  // Before the next paint: parts that a save brings have no marks.
  const watched = { attributes: true, attributeFilter: ["hidden", "data-elsewhere"], childList: true, subtree: true };
  const observer = new MutationObserver(update);
  observer.observe(cards, watched);
  observer.observe(document.getElementById("panel").parentElement, { childList: true, subtree: true });
  update();
}
