/* The one list of answers that are not saved or wrong, and its numbers in the menu. The server lists what is stored and
   wrong; the page adds what is not saved. An answer that is both counts once. */

import { announce } from "./announcer.js";
import { faultWords } from "./fault-words.js";
import { fieldAt, nameOf, rowAt } from "./field.js";
import { fromTemplate } from "./page-templates.js";
import { say } from "./words.js";

const box = document.getElementById("faults");

let unsaved = []; // { path, isUndecided, reason }

const storedFaults = () => [...box.querySelectorAll("#errors [data-fault]")];
const isUnsaved = (path) => unsaved.some((fault) => fault.path === path);

/** Return the paths of all faults. */
function faultPaths() {
  const stored = storedFaults().map(({ dataset }) => dataset.fault);
  return [...unsaved.map(({ path }) => path), ...stored.filter((path) => !isUnsaved(path))];
}

/** Return the words for all faults, "" without any. */
export function words() {
  const undecided = unsaved.filter((fault) => fault.isUndecided).length;
  return faultWords({ all: faultPaths().length, unsaved: unsaved.length, undecided });
}

/** Show the answers that are not saved: `{ path, isUndecided, reason }` each. */
export function showUnsaved(faults) {
  unsaved = faults.filter(({ path }) => fieldAt(path));
  draw();
}

/** Draw the list and the numbers in the menu, also after the server's parts have changed. */
export function draw() {
  box.querySelector("#unsaved").replaceChildren(...unsaved.map(drawUnsaved));
  for (const item of storedFaults()) item.hidden = isUnsaved(item.dataset.fault);
  box.querySelector("h2").textContent = words();
  box.hidden = faultPaths().length === 0;
  drawMenu();
}

function drawUnsaved({ path, reason }) {
  const item = fromTemplate("unsaved", { label: nameOf(fieldAt(path)), reason });
  item.querySelector("a").dataset.go = path;
  return item;
}

/** Return the code of the question set whose card has the answer at `path`. */
function setOf(path) {
  const listed = storedFaults().find(({ dataset }) => dataset.fault === path);
  return listed?.dataset.setOf ?? fieldAt(path)?.closest(".set")?.id.slice("s-".length);
}

function drawMenu() {
  const sets = faultPaths().map(setOf);
  for (const link of document.getElementById("sets")?.querySelectorAll("a") ?? []) {
    const count = sets.filter((code) => code === link.dataset.set).length;
    const sign = link.querySelector(".fix");
    sign.textContent = say("{count} to fix", { count });
    sign.hidden = count === 0;
  }
}

/** Return what the page shows of the answer at `path`: its field, the innermost row around it, or its card. */
function placeOf(path) {
  const parts = path.split("/");
  let place = fieldAt(path);
  for (let length = parts.length - 1; length > 1 && !place; length -= 1) {
    place = rowAt(parts.slice(0, length).join("/"));
  }
  return place ?? document.getElementById(`s-${setOf(path)}`);
}

const isAfter = (place, other) => Boolean(other.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING);

/** Return the path of the fault after the element `from`, in the form's order and around; "" without faults. */
export function nextFault(from) {
  const found = faultPaths().map((path) => ({ path, place: placeOf(path) }));
  const onPage = found.filter(({ place }) => place);
  onPage.sort((one, other) => (isAfter(one.place, other.place) ? 1 : -1));
  const here = from?.closest(".field, .row");
  const next = onPage.find(({ place }) => here && place !== here && isAfter(place, here)) ?? onPage[0];
  if (!next) announce(say("Nothing needs fixing."));
  return next?.path ?? "";
}
