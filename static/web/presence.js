/* Who else is at this form: their names in the head, and at the question where each of them is. */

import { fieldAt, idOf } from "./field.js";
import { fillSlots, fromTemplate } from "./page-templates.js";
import { Roster, initials } from "./roster.js";
import { say } from "./words.js";

const roster = new Roster();

/** Show `people` and nobody else; the page's own socket is `own`. */
export function showEverybody(people, own) {
  roster.replace(people, own);
  draw();
}

export const showNobody = () => showEverybody([], "");

/** Show that `person` came, moved or left; return the sentence that announces it, "" without one. */
export function note(event, person) {
  const text = roster.note(event, person);
  draw();
  return text;
}

function draw() {
  const items = roster.names().map((name) => {
    const item = fromTemplate("person", { name, initials: initials(name) });
    item.title = name;
    return item;
  });
  document.getElementById("people").replaceChildren(...items);
  drawPlaces();
}

function drawPlaces() {
  const places = roster.places();
  for (const mark of document.querySelectorAll(".here")) if (!places.has(mark.dataset.at)) mark.remove();
  for (const [path, names] of places) if (fieldAt(path)) drawPlace(fieldAt(path), path, names);
}

function drawPlace(field, path, names) {
  const id = `here-${idOf(path)}`;
  const mark = document.getElementById(id) ?? fromTemplate("here");
  mark.id = id;
  mark.dataset.at = path;
  fillSlots(mark, {
    who:
      names.length > 1
        ? say("{names} are here", { names: names.join(", ") })
        : say("{name} is here", { name: names[0] }),
  });
  if (mark.parentElement !== field) field.append(mark);
}

export function startPresence() {
  // Fields that come with other parts of the page get their marks too.
  document.body.addEventListener("htmx:oobAfterSwap", () => requestAnimationFrame(drawPlaces));
}
