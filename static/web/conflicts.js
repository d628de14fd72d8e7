/* Two answers to one question: somebody else saved theirs while this person was typing or waiting to save. Both are
   shown at the field; nothing is sent and nothing is lost until the person chooses. */

import { announce } from "./announcer.js";
import { fieldAt, fieldOf, focusField, idOf, labelOf, textOf, valueOf } from "./field.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { morph } from "./morph-guards.js";
import { fillSlots, fromTemplate } from "./page-templates.js";
import { say } from "./words.js";

const expected = new Map(); // path -> who answered it, announced by the server before its parts come
const demanded = new Set(); // paths whose answer the server refused because it was changed meanwhile
const open = new Map(); // path -> { theirs: the server's field, who }

const boxOf = (path) => document.getElementById(`conflict-${idOf(path)}`);

/** Note whose answers the next parts bring; only those matter to whose question the page has an unsent answer. */
export function expect(changedBy) {
  expected.clear();
  for (const [path, who] of Object.entries(changedBy)) if (queue.isUnsent(path)) expected.set(path, who);
}

/** Note that the server did not save the answer to `path`, because `who` answered it meanwhile. */
export function demand(path, who) {
  expected.set(path, who);
  demanded.add(path);
}

/** Show the server's field `theirs` beside the answer that the page holds in `mine`. */
export function meet(mine, theirs) {
  const { path } = mine.dataset;
  const who = expected.get(path) ?? open.get(path)?.who;
  if (!who || !(theirs instanceof Element)) return;
  expected.delete(path);
  const isDemanded = demanded.delete(path);
  // Later parts of the page bring the same answer again: only another one is news.
  if (textOf(mine) === textOf(theirs) && !open.has(path) && !isDemanded) return;
  open.set(path, { theirs: theirs.cloneNode(true), who });
  queue.withhold(path);
  draw(path);
  const label = labelOf(mine);
  announce(
    say("{who} answered {label} while you did: {theirs}. Your answer is kept. Choose one below the field.", {
      who,
      label,
      theirs: textOf(theirs),
    }),
  );
}

/** Take the choice at `path` off the page. */
export function close(path) {
  boxOf(path)?.remove();
  open.delete(path);
}

/** Replace the answer at `path` with the other person's. */
export function take(path) {
  if (!open.has(path)) return;
  const { theirs } = open.get(path);
  close(path);
  queue.drop(path);
  morph(fieldAt(path), theirs);
  announce(say("The other answer was taken: {theirs}.", { theirs: textOf(theirs) }));
  focusField(path);
}

function keep(path) {
  const field = fieldAt(path);
  close(path);
  queue.commit(path, valueOf(field));
  focusField(path);
}

function draw(path) {
  const field = fieldAt(path);
  const { theirs, who } = open.get(path);
  const texts = { who, theirs: textOf(theirs), mine: textOf(field) };
  const known = boxOf(path);
  // A button that is being pressed must stay the same one.
  if (known) return fillSlots(known, texts);
  const label = labelOf(field);
  const box = fromTemplate("conflict", { ...texts, label });
  box.id = `conflict-${idOf(path)}`;
  box.setAttribute("aria-label", say("Two answers to {label}", { label }));
  box.querySelector("[data-choice=keep]").addEventListener("click", () => keep(path));
  box.querySelector("[data-choice=take]").addEventListener("click", () => take(path));
  field.append(box);
}

/** Keep an answer back whose person has not chosen: to leave the field is no choice. */
function guard(path) {
  if (!open.has(path)) return false;
  draw(path);
  announce(say("There are two answers to this question. Choose one below the field."));
  return true;
}

export function startConflicts() {
  queue.addGuard(guard);
  page.addEventListener("input", (event) => {
    const field = fieldOf(event.target);
    if (field && open.has(field.dataset.path)) draw(field.dataset.path);
  });
}
