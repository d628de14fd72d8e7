/* Who else is at this form: their names in the head, and at the question where each of them is. */
(() => {
  "use strict";

  const { field } = window.saving;
  const people = new Map(); // socket -> person
  let me = ""; // type and id of the person at this page

  // Guests are told of others by name alone.
  const keyOf = (person) => `${person.type}:${person.id || person.name}`;
  const others = () => [...people.values()].filter((person) => keyOf(person) !== me);
  const initials = (name) => name.split(/[\s.@]+/).filter(Boolean).slice(0, 2).map((word) => word[0].toUpperCase()).join("");

  function everybody(list, own) {
    people.clear();
    for (const person of list) people.set(person.socket, person);
    if (people.has(own)) me = keyOf(people.get(own));
    draw();
  }

  function note(event, person) {
    const isNew = !others().some((known) => keyOf(known) === keyOf(person));
    if (event === "left") people.delete(person.socket); else people.set(person.socket, person);
    draw();
    const isGone = !others().some((known) => keyOf(known) === keyOf(person));
    if (keyOf(person) === me) return "";
    if (event === "joined" && isNew) return `${person.name} is here.`;
    return event === "left" && isGone ? `${person.name} has left.` : "";
  }

  function draw() {
    const names = new Map(others().map((person) => [keyOf(person), person.name]));
    document.getElementById("people").replaceChildren(...[...names.values()].map((name) => {
      const item = document.createElement("li"), avatar = document.createElement("span"), text = document.createElement("span");
      avatar.className = "avatar"; avatar.textContent = initials(name); avatar.setAttribute("aria-hidden", "true");
      text.className = "name"; text.textContent = name;
      item.title = name;
      item.append(avatar, text);
      return item;
    }));
    drawPlaces();
  }

  function drawPlaces() {
    const at = new Map(); // path -> names
    for (const { path, name } of others()) if (path) at.set(path, new Set([...(at.get(path) ?? []), name]));
    for (const mark of document.querySelectorAll(".here")) if (!at.has(mark.dataset.at)) mark.remove();
    for (const [path, names] of at) {
      const element = field(path);
      if (!element) continue;
      const id = `here-${path.replaceAll("/", "-")}`, mark = document.getElementById(id) ?? document.createElement("span");
      mark.id = id; mark.className = "here"; mark.dataset.at = path;
      mark.textContent = `${[...names].join(", ")} ${names.size > 1 ? "are" : "is"} here`;
      if (mark.parentElement !== element) element.append(mark);
    }
  }

  // Fields that came with other parts of the page get their marks too.
  document.body.addEventListener("htmx:oobAfterSwap", () => requestAnimationFrame(drawPlaces));

  window.presence = { everybody, note, nobody: () => everybody([], "") };
})();
