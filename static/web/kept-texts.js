/* Text whose question was taken away by somebody else: they removed its row, or their answer made it one that is no
   longer asked. The field stays where it is, with its text and the focus, until its person decides what to do with
   the text. */

import { announce } from "./announcer.js";
import * as conflicts from "./conflicts.js";
import { fieldAt, focusField, idOf, labelOf, textOf, valueOf } from "./field.js";
import { page, shownVersion } from "./form-page.js";
import { queue } from "./form-queue.js";
import { fillSlots, fromTemplate } from "./page-templates.js";
import { say } from "./words.js";

const kept = new Map(); // path -> { place: what stays on the page, version: the last that had it, isChosen }
let changedBy = {}; // path -> who changed it, of the parts that come
let versionBefore = 0; // what the page showed before those parts

const boxOf = (path) => document.getElementById(`kept-${idOf(path)}`);
const isRow = (place) => place.matches(".row");
const fieldsIn = (place) => [...place.querySelectorAll(".field[data-path]")];
const isKept = (element) => kept.has(element.dataset.path);

/** Note who made the changes that the next parts show. */
export function expect(changes) {
  changedBy = changes;
  versionBefore = shownVersion();
}

/**
 * Keep `place`, which the server's parts do not have, if something in it is not saved yet; return whether it is
 * kept.
 */
export function keep(place) {
  const fields = place.matches(".field") ? [place] : fieldsIn(place);
  const held = fields.filter((field) => queue.isHeld(field.dataset.path));
  for (const field of held) hold(field, place);
  return held.length > 0;
}

/** Make room in `fresh`, which replaces `old`, for what is kept: else it would come after everything else. */
export function makeRoom(old, fresh) {
  const inFresh = (element) => [...fresh.children].find(({ id }) => id === element.id);
  for (const child of old.children) {
    if (!child.id || inFresh(child) || !hasHeldField(child)) continue;
    const room = child.cloneNode(false);
    room.dataset.room = "";
    let before = child.previousElementSibling;
    while (before && !(before.id && inFresh(before))) before = before.previousElementSibling;
    if (before) inFresh(before).after(room);
    else fresh.prepend(room);
  }
}

const hasHeldField = (element) =>
  [element, ...fieldsIn(element)].some(({ dataset }) => dataset.path && queue.isHeld(dataset.path));

/** Return who changed what is at `path` or around it; "" if it was this page. */
function whoAt(path) {
  for (let at = path; at; at = at.split("/").slice(0, -1).join("/")) if (changedBy[at]) return changedBy[at];
  const names = new Set(Object.values(changedBy));
  if (names.size === 1) return [...names][0];
  return names.size ? say("Somebody else") : "";
}

function whatHappened(path, place) {
  const who = whoAt(path);
  if (isRow(place)) return say("{who} removed this row.", { who: who || say("Somebody") });
  if (who) return say("{who} changed another answer: this question is no longer asked.", { who });
  return say("Because of another answer, this question is no longer asked.");
}

function hold(field, place) {
  const { path } = field.dataset;
  if (kept.get(path)?.place === place) return;
  boxOf(path)?.remove();
  conflicts.close(path); // there is nothing to choose between
  kept.set(path, { place, version: versionBefore, isChosen: false });
  queue.withhold(path);
  place.dataset.gone = "";
  for (const other of place.querySelectorAll(".row-head button, .pool-foot, .field[data-path]")) {
    other.inert = !isKept(other);
  }
  const what = whatHappened(path, place);
  draw(field, place, what);
  const label = labelOf(field);
  announce(`${what} ${say("Your text for {label} is kept. Choose below the field what to do with it.", { label })}`);
}

function draw(field, place, what) {
  const { path } = field.dataset;
  const label = labelOf(field);
  const box = fromTemplate(isRow(place) ? "kept-in-row" : "kept-text", { what, label });
  box.id = `kept-${idOf(path)}`;
  box.setAttribute("aria-label", say("What to do with your text for {label}", { label }));
  const choices = { "put-back": putBack, save: saveHidden, copy, discard };
  for (const button of box.querySelectorAll("[data-choice]")) {
    button.addEventListener("click", () => choices[button.dataset.choice](path));
  }
  field.append(box);
}

/** Bring the row back as it was; what is kept in it is saved when it is there. */
function putBack(path) {
  const { place, version } = kept.get(path);
  for (const other of kept.values()) if (other.place === place) other.isChosen = true;
  focusField(path);
  queue.order({ order: "put-back", path: place.dataset.row, version });
}

/** Save the answer to a question that is not asked: it is there again when its question is. */
function saveHidden(path) {
  kept.get(path).isChosen = true;
  queue.commit(path, valueOf(fieldAt(path)));
}

async function copy(path) {
  try {
    await navigator.clipboard.writeText(textOf(fieldAt(path)));
    fillSlots(boxOf(path), { copy: say("Copied") });
    announce("Copied.");
  } catch {
    focusField(path);
    fieldAt(path).querySelector("input, textarea")?.select();
    announce(say("Press Ctrl+C to copy it."));
  }
}

/** Give up the text that is kept for `path`, if there is one. */
export function discard(path) {
  if (!kept.has(path)) return;
  conflicts.close(path);
  queue.drop(path);
  leave(path);
}

/** Take away what stays on the page for `path` alone; a focus in it moves on to what comes next. */
function leave(path) {
  const { place } = kept.get(path);
  const hadFocus = place.contains(document.activeElement);
  kept.delete(path);
  boxOf(path)?.remove();
  if ([...kept.values()].some((other) => other.place === place)) {
    fieldAt(path).inert = true;
    return;
  }
  const next = controlAfter(place);
  if (place.matches(".set")) {
    place.hidden = true;
    place.replaceChildren();
    delete place.dataset.gone;
  } else {
    place.remove();
  }
  if (hadFocus) (next ?? document.getElementById("main")).focus({ preventScroll: true });
}

/** Return the first control after `place` that can have the focus. */
function controlAfter(place) {
  const isAfter = (element) =>
    place.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING && !place.contains(element);
  const controls = [...document.querySelectorAll("#main :is(input, select, textarea, button):enabled")];
  return controls.find((element) => isAfter(element) && element.offsetParent);
}

/** Note that the question at `path` is on the form again; a text that was to be saved is saved now. */
export function meet(path) {
  const known = kept.get(path);
  if (!known) return;
  kept.delete(path);
  boxOf(path)?.remove();
  delete known.place.dataset.gone;
  fieldAt(path).inert = false;
  if (known.isChosen) setTimeout(() => queue.commit(path, valueOf(fieldAt(path))));
}

/** Remove a text that is saved for later: it needs no place on the page. */
export function noteAccepted(path) {
  if (kept.has(path) && !queue.isHeld(path)) leave(path);
}

/** Ask again what to do with a text that the server refused. */
export function noteRefused(path) {
  if (kept.has(path)) kept.get(path).isChosen = false;
}

/** Keep a text back whose person has not decided: to leave the field is no decision. */
function guard(path) {
  if (!kept.has(path) || kept.get(path).isChosen) return false;
  announce(say("This question is no longer asked. Choose below the field what to do with your text."));
  return true;
}

export function startKeptTexts() {
  queue.addGuard(guard);
  page.addEventListener("answer-refused", ({ detail }) => noteRefused(detail.path));
}
